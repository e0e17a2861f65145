import { lastingMax } from "../bridge/broker/bounds.ts";
import { broker as makeBroker } from "../bridge/broker/running-broker.ts";
import { chassis } from "../chassis/chassis.ts";
import type { Line } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { listeningOf } from "./listening.ts";
import { aborted, printJson } from "./terminal.ts";

/** Runs a broker in memory until it is told to stop. */
export async function serveMemory(line: Line): Promise<number> {
  line.atMost(1);
  const { terminal } = line;
  const { env, interrupted } = terminal;
  await using running = makeBroker({ env });
  await using app = await chassis({
    name: "broker",
    ...listeningOf(line),
    serve: running.services,
    admission: { lastingMax },
    env,
  });
  // The drain waits for what is under way, and a consumer is under way for ever.
  app.stopping.addEventListener("abort", () => void running.close(), { once: true });
  void aborted(interrupted).then(() => app.stop());
  const { addresses } = app;
  if (line.json) await printJson(terminal, { listening: addresses });
  else await terminal.print(`broker at ${addresses.join(", ")}\n`);
  const { cut } = await app.stopped;
  if (line.json) await printJson(terminal, { ok: true, cut });
  return exitCodes.ok;
}
