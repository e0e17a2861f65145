import { readFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../scripts/servers/for-tests.ts";
import { natsAt } from "../../scripts/servers/nats.ts";
import { freeRabbitmqPorts, rabbitmqAt, rabbitmqUser } from "../../scripts/servers/rabbitmq.ts";
import { rabbitmq4At } from "../../scripts/servers/rabbitmq4.ts";
import { running } from "../../scripts/servers/running.ts";
import { programOf, type Server } from "../../scripts/servers/server.ts";
import { start } from "../child.ts";
import type { Place } from "./raw-connection.ts";

/** A broker that runs, in a process of its own. */
export interface Serving {
  readonly place: Place;
  readonly pid: number;
  end(): Promise<void>;
}

/** The brokers side by side, by their names in `--only`; undefined where one is not installed. */
export const servings: Readonly<
  Record<string, (folder: string, nodeOptions: readonly string[]) => Promise<Serving | undefined>>
> = {
  rabbitmq: async () => installed(rabbitmqAt("bench", await freeRabbitmqPorts())),
  rabbitmq4: async () => installed(rabbitmq4At("bench", await freeRabbitmqPorts())),
  nats: async () => installed(natsAt("nats", await natsPorts())),
  "nats-always": async () =>
    installed(natsAt("nats-always", await natsPorts(), { syncInterval: "always" })),
  trunkline: ours,
  ceiling: () => child("confirmer.ts", []),
};

async function natsPorts(): Promise<{ readonly client: number; readonly monitoring: number }> {
  return { client: await freePort(), monitoring: await freePort() };
}

/** A server of somebody else in a folder of its own, for as long as the bench runs. */
async function installed(server: Server): Promise<Serving | undefined> {
  if (programOf(server) === undefined) return undefined;
  const subject = await running(server);
  return {
    place: { port: server.port, user: rabbitmqUser.name, password: rabbitmqUser.password },
    pid: Number(readFileSync(join(subject.folder, "pid"), "utf8")),
    end: async () => subject[Symbol.asyncDispose](),
  };
}

/** The embedded broker in a folder of its own. */
async function ours(folder: string, nodeOptions: readonly string[] = []): Promise<Serving> {
  return child("own-server.ts", [folder], nodeOptions);
}

async function child(
  program: string,
  args: readonly string[],
  nodeOptions: readonly string[] = [],
): Promise<Serving> {
  const started = await start(`broker/${program}`, args, nodeOptions);
  const { port, pid } = JSON.parse(started.about) as {
    readonly port: number;
    readonly pid: number;
  };
  return { place: { port, user: "guest", password: "guest" }, pid, end: () => started.end() };
}
