import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import * as z from "zod";

import { channels, type DeadLetterEvent } from "../base/diagnostics.ts";
import { realEnv } from "../base/real-env.ts";
import { channel } from "../broker/channel.ts";
import { mmap } from "../broker/mmap/index.ts";
import { contract, document, event } from "../contract/index.ts";
import { on } from "../messaging/on.ts";
import { addonProblem } from "../os/addon.ts";
import { chassis } from "./chassis.ts";

const skip = addonProblem() ?? false;
const Order = z.object({ id: z.string(), step: z.number() });

const Orders = contract(
  "orders",
  { version: "1.0.0" },
  { ship: document({ data: Order, key: "id" }) },
);

/** A path in a folder that is gone when the test is over. */
function place(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, "shop");
}

test(
  "documents with keys go by a ring in a file, in their order, before anybody is there for them",
  { skip },
  async (t) => {
    const messages = `mmap:${place(t)}`;
    const from = await chassis({ name: "shop", messages, serve: [], signals: false });
    for (let step = 0; step < 20; step++)
      await from.publisher(Orders).ship({ id: `o${step % 2}`, step });
    await from.stop();

    const shipped: number[] = [];
    const all = Promise.withResolvers<void>();
    const to = await chassis({
      name: "shipping",
      messages,
      serve: [
        on(Orders.ship, {}, async ({ step }) => {
          shipped.push(step);
          if (shipped.length === 20) all.resolve();
        }),
      ],
      signals: false,
    });
    await all.promise;
    await to.stop();
    for (const key of [0, 1]) {
      const of = shipped.filter((step) => step % 2 === key);
      deepEqual(
        of,
        of.toSorted((a, b) => a - b),
      );
    }
    equal(new Set(shipped).size, 20);
  },
);

test(
  "what fails again and again is kept with the dead letters, in a ring of their own",
  { skip },
  async (t) => {
    const path = place(t);
    const buried = Promise.withResolvers<string>();
    const hear = (told: unknown): void => {
      const { what, reason } = told as DeadLetterEvent;
      if (what === "buried") buried.resolve(String(reason));
    };
    channels.deadLetter.subscribe(hear);
    t.after(() => channels.deadLetter.unsubscribe(hear));
    const messages = `mmap:${path}?bytes=65536`;
    const app = await chassis({
      name: "shipping",
      messages,
      serve: [
        on(Orders.ship, { retry: { soon: 1, later: 0 } }, () => {
          throw new Error("it breaks");
        }),
      ],
      signals: false,
    });
    t.after(() => app.stop());
    await app.publisher(Orders).ship({ id: "bad", step: 1 });
    equal(await buried.promise, "failed: Error");
    await app.stop();
    await using broker = await mmap().open(messages, { name: "looks" }, realEnv());
    const [dead] = readdirSync(dirname(path)).filter((name) => name.endsWith("dead"));
    ok(dead !== undefined, readdirSync(dirname(path)).join());
    const name = dead.slice("shop.".length);
    const [letter] = await broker.browse(channel({ name, shape: "queue" }), undefined, 1);
    deepEqual(JSON.parse(Buffer.from(letter!.data).toString()), { id: "bad", step: 1 });
  },
);

test("what needs more than rings does not start", { skip }, async (t) => {
  const Events = contract("events", { version: "1.0.0" }, { happened: event({ data: Order }) });
  const start = chassis({
    name: "hearer",
    messages: `mmap:${place(t)}`,
    serve: [on(Events.happened, { group: "all" }, () => {})],
    signals: false,
  });
  await rejects(start, /each of several hears it[^]*send it as a document/);
});
