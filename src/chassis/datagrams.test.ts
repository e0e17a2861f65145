import { deepEqual, equal, match, rejects, throws } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import * as z from "zod";

import { isTrunklineError } from "../base/error.ts";
import type { Context } from "../base/handler.ts";
import { serve } from "../call/serve.ts";
import { call, contract, notification } from "../contract/index.ts";
import { addonProblem } from "../os/addon.ts";
import { datagram } from "../protocol/datagram/index.ts";
import { chassis } from "./chassis.ts";
import { client } from "./client.ts";

const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
after(() => rmSync(folder, { recursive: true }));

const Metrics = contract(
  "metrics",
  { version: "1.0.0" },
  {
    sample: notification({ in: z.object({ n: z.number() }) }),
  },
);
const Mixed = contract(
  "mixed",
  { version: "1.0.0" },
  {
    ask: call({}),
    moved: notification({ in: z.object({ id: z.string() }), key: "id" }),
    told: notification({}),
  },
);
const mixed = serve(Mixed, { ask: () => {}, moved: () => {}, told: () => {} });

test("what a datagram cannot keep is refused at the start, each with what to do", async () => {
  const starting = chassis({
    name: "m",
    signals: false,
    serve: [mixed],
    listen: "udp://127.0.0.1:0",
  });
  await rejects(starting, (error: Error) => {
    match(error.message, /call mixed\.ask cannot be served over udp:.*datagram has no calls/);
    match(error.message, /leave it out with datagram\(\{ except: \["mixed\.ask"\] \}\)/);
    match(
      error.message,
      /notification mixed\.moved cannot be served over udp:.*udp keeps no order/,
    );
    equal(error.message.includes("mixed.told cannot"), false);
    return true;
  });
});

test("a client of what cannot be asked for there is refused when it is made", () => {
  throws(
    () => client(Mixed, "udp://127.0.0.1:7000"),
    (error: unknown) => {
      if (!isTrunklineError(error)) return false;
      deepEqual([error.code, error.executed], ["INVALID_ARGUMENT", "no"]);
      match(error.message, /call mixed\.ask/);
      return true;
    },
  );
});

test("what is left out is not asked for, and the rest goes by datagrams", async () => {
  const protocols = [datagram({ except: ["mixed.ask", "mixed.moved"] })];
  const told: string[] = [];
  const service = serve(Mixed, {
    ask: () => {},
    moved: () => {},
    told: () => void told.push("told"),
  });
  const parts = { name: "m", signals: false, serve: [service], protocols };
  await using app = await chassis({ ...parts, listen: "udp://127.0.0.1:0" });
  await using sender = client(Mixed, app.addresses[0]!, { protocols });
  await sender.told();
  while (told.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const asked = await sender.ask.result();
  equal(!asked.ok && asked.error.code, "UNIMPLEMENTED");
});

test(
  "notifications by Unix datagrams are validated, handled and counted",
  { skip: addonProblem() ?? false },
  async () => {
    const seen: number[] = [];
    const peers = new Set<number | undefined>();
    const sample = ({ n }: { n: number }, { peer }: Context): void => {
      seen.push(n);
      peers.add(peer.pid);
    };
    const service = serve(Metrics, { sample });
    const listen = `unixgram:${folder}/m.sock`;
    await using app = await chassis({ name: "m", signals: false, serve: [service], listen });
    await using metrics = client(Metrics, listen);
    for (let n = 0; n < 100; n++) await metrics.sample({ n });
    while (seen.length < 100) await new Promise((resolve) => setImmediate(resolve));
    deepEqual(
      seen,
      Array.from({ length: 100 }, (_, n) => n),
    );
    deepEqual([...peers], [process.pid], "the handler knows who has sent it");
    const { datagrams } = app.stats().addresses[0]!;
    deepEqual([datagrams?.received, datagrams?.missing, datagrams?.malformed], [100, 0, 0]);
  },
);

test("where other hosts could send to, nothing is received without leave, and nothing is sent there", async () => {
  const service = serve(Metrics, { sample: () => {} });
  const starting = chassis({
    name: "m",
    signals: false,
    serve: [service],
    listen: "udp://0.0.0.0:0",
  });
  await rejects(starting, /udp:\/\/0\.0\.0\.0:0 can be reached from other hosts[^]*insecure: true/);
  await using metrics = client(Metrics, "udp://192.0.2.1:7000");
  await rejects(metrics.sample({ n: 1 }), { code: "INVALID_ARGUMENT", executed: "no" });
});

test("a signal stands for one notification: with several the address says which", async () => {
  const Control = contract(
    "control",
    { version: "1.0.0" },
    {
      reload: notification({}),
      rotate: notification({}),
    },
  );
  const done: string[] = [];
  const service = serve(Control, {
    reload: () => void done.push("reload"),
    rotate: () => void done.push("rotate"),
  });
  const parts = { name: "c", signals: false, serve: [service] };
  await rejects(
    chassis({ ...parts, listen: "signal:self?signal=SIGHUP" }),
    /each of control\.reload, control\.rotate[^]*operation=control\.reload/,
  );
  const listen = "signal:self?operation=control.rotate&signal=SIGHUP";
  await using app = await chassis({ ...parts, listen });
  process.kill(process.pid, "SIGHUP");
  while (done.length === 0) await new Promise((resolve) => setImmediate(resolve));
  deepEqual([done, app.stats().addresses[0]?.datagrams?.handled], [["rotate"], 1]);
});
