// The storm asks for answers in time, so that nothing else runs beside it.
import { deepEqual, ok } from "node:assert/strict";
import { test } from "node:test";
import { bench } from "./bench-run.ts";

test("the bench of storms runs, and every peer is called, killed, rolled and frozen", async () => {
  const report = await bench("storm");
  const rows = report.rows as unknown as { peer: string; phase: string; calls: number }[];
  const peers = ["trunkline", "nestjs", "moleculer", "trpc", "grpc-js", "shared keys, sqlite"];
  deepEqual(
    rows.map(({ peer, phase }) => `${peer} ${phase}`),
    peers.flatMap((peer) => ["kill", "roll", "freeze"].map((phase) => `${peer} ${phase}`)),
  );
  ok(
    rows.every(({ peer, calls }) => calls > (peer.startsWith("shared") ? 50 : 100)),
    JSON.stringify(rows),
  );
  deepEqual(
    report.goals.map(({ met }) => met),
    [true, true, true, true, true, true],
    JSON.stringify(rows),
  );
});
