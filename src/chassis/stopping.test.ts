import { equal } from "node:assert/strict";
import { test } from "node:test";
import { serve } from "../call/serve.ts";
import { contract, stream } from "../contract/index.ts";
import { chassis } from "./chassis.ts";
import { client } from "./client.ts";

const Clock = contract("clock", { version: "1.0.0" }, { ticks: stream({}) });

test("an endless stream that heeds the stopping of its process ends in order, and nothing is cut", async () => {
  const begun = Promise.withResolvers<void>();
  const app = await chassis({
    name: "clock",
    listen: "memory:stopping",
    signals: false,
    serve: [
      serve(Clock, {
        async *ticks() {
          yield;
          begun.resolve();
          await new Promise((resolve) => app.stopping.addEventListener("abort", resolve));
        },
      }),
    ],
  });
  await using clock = client(Clock, "memory:stopping");
  const ticks = clock.ticks();
  await ticks.next();
  const last = ticks.next();
  await begun.promise;
  equal(app.stopping.aborted, false);
  const stopped = await app.stop();
  equal((await last).done, true);
  equal(stopped.cut, 0);
});
