import { equal, rejects } from "node:assert/strict";
import { test } from "node:test";
import { serve } from "../call/serve.ts";
import { call, contract } from "../contract/index.ts";
import { chassis } from "./chassis.ts";
import { client } from "./client.ts";

const Clock = contract("clock", { version: "1.0.0" }, { tick: call({}) });
const parts = { name: "clock", signals: false, serve: [serve(Clock, { tick: () => {} })] };

test("an address that other hosts can reach without TLS is refused at the start, all of them at once", async () => {
  const listen = ["tcp://0.0.0.0:0", "tcp://[::]:0", "tcp://127.0.0.1:0"];
  await rejects(chassis({ ...parts, listen }), (error: Error) => {
    equal(/Cannot start "clock", 2 problems:/.test(error.message), true);
    equal(error.message.includes("tcp://0.0.0.0:0 can be reached from other hosts"), true);
    equal(error.message.includes("insecure: true"), true);
    equal(error.message.includes("127.0.0.1:0 can"), false);
    return true;
  });
});

test("loopback needs no leave, and what is written is believed", async () => {
  for (const given of [
    { listen: "tcp://127.0.0.1:0" },
    { listen: "tcp://0.0.0.0:0", insecure: true },
  ]) {
    await using app = await chassis({ ...parts, ...given });
    const port = app.addresses[0]!.split(":").at(-1)!;
    await using clock = client(Clock, `tcp://127.0.0.1:${port}`);
    equal((await clock.tick.result()).ok, true);
  }
});
