import { lastingMax } from "../bridge/broker/bounds.ts";
import { broker as makeBroker } from "../bridge/broker/running-broker.ts";
import { chassis } from "../chassis/chassis.ts";
import type { Command, Line } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { listeningOf, listeningOptions } from "./listening.ts";
import { aborted, printJson } from "./terminal.ts";

/** Runs a broker. */
export const broker: Command = {
  name: "broker",
  summary: "run a broker of messages in memory",
  usage: "--listen ADDRESS",
  about: `One process for a few others: it keeps messages in memory, with everything
that Trunkline can ask of a broker except that they outlive it. For
development, for tests, and where what is lost with a process may be lost.
Others name it by broker+ADDRESS, as in broker+tcp://10.0.0.1:7600.`,
  options: listeningOptions,
  examples: [
    "broker --listen unix:./run/broker.sock",
    "broker --listen tls://0.0.0.0:7600 --cert cert.pem --key key.pem",
  ],
  run: serveBroker,
};

async function serveBroker(line: Line): Promise<number> {
  line.atMost(0);
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
