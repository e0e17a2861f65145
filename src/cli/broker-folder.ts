import type { Env } from "../base/env.ts";
import { lastingMax } from "../bridge/broker/bounds.ts";
import { runningBroker } from "../bridge/broker/running-broker.ts";
import type { Engine } from "../bridge/embedded/engine.ts";
import type { Face } from "../bridge/embedded/folder.ts";
import { KeptFolder } from "../bridge/embedded/kept-folder.ts";
import type { Overseer } from "../bridge/embedded/overseer.ts";
import { chassis, type ChassisOptions } from "../chassis/chassis.ts";
import { onStopSignals } from "../chassis/signals.ts";
import { fileAddress } from "./broker-look.ts";
import type { Line } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { listeningOf } from "./listening.ts";
import { aborted, printJson, type Terminal } from "./terminal.ts";

/** Runs the broker of a folder until it is told to stop: owns it, or stands by. */
export async function serveFolder(line: Line, data: string): Promise<number> {
  line.atMost(0);
  const { terminal, json } = line;
  const { env, interrupted } = terminal;
  const stopped = Promise.withResolvers<void>();
  const stop = (): void => stopped.resolve();
  const forget = onStopSignals(stop, stop);
  void aborted(interrupted).then(stop);
  const listening = line.texts("listen").length === 0 ? undefined : listeningOf(line);
  const face: Face = {
    begin: async (engine) => {
      const faces =
        listening === undefined ? undefined : await serveTrunkline(engine, listening, env);
      await tell(terminal, json, address, faces?.addresses ?? []);
      return async () => faces?.close();
    },
    failed: (error) => stopped.reject(error),
  };
  const address = fileAddress(data);
  const onOwner = (role: "owner" | "guest", overseer: Overseer): void => {
    if (role === "guest") void standBy(terminal, json, address, overseer).catch(() => {});
  };
  try {
    const terms = { name: "trunkline broker", faces: [face], onOwner };
    await using _kept = await KeptFolder.open(address, terms, env);
    await stopped.promise;
  } finally {
    forget();
  }
  if (json) await printJson(terminal, { ok: true });
  return exitCodes.ok;
}

interface Serving {
  readonly addresses: readonly string[];
  close(): Promise<void>;
}

/** The same broker for processes that name it by broker+ADDRESS. */
async function serveTrunkline(
  { shared }: Engine,
  listening: Pick<ChassisOptions, "listen" | "insecure" | "transports">,
  env: Env,
): Promise<Serving> {
  const running = runningBroker(shared, env);
  const app = await chassis({
    name: "broker",
    ...listening,
    serve: running.services,
    admission: { lastingMax },
    signals: false,
    env,
  });
  const close = async (): Promise<void> => {
    await running.close();
    await app.stop();
  };
  return { addresses: app.addresses, close };
}

async function tell(
  terminal: Terminal,
  json: boolean,
  address: string,
  listening: readonly string[],
): Promise<void> {
  if (json) return printJson(terminal, { role: "owner", folder: address, listening });
  const at = listening.length === 0 ? "" : ` at ${listening.join(", ")}`;
  return terminal.print(`broker in ${address}${at}\n`);
}

async function standBy(
  terminal: Terminal,
  json: boolean,
  address: string,
  overseer: Overseer,
): Promise<void> {
  const { owner } = await overseer.status();
  if (json) return printJson(terminal, { role: "guest", folder: address, owner });
  return terminal.print(`${address} belongs to ${owner.name}, pid ${owner.pid}: standing by\n`);
}
