import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "../scripts/servers/for-tests.ts";
import {
  freeRabbitmqPorts,
  rabbitmqAt,
  rabbitmqUser,
  type RabbitmqPorts,
} from "../scripts/servers/rabbitmq.ts";
import { kill, start, stop, type Server } from "../scripts/servers/server.ts";
import { amqp } from "../src/broker/amqp/index.ts";
import type { Channel } from "../src/broker/channel.ts";
import type { Cluster } from "./trial.ts";

const nodes = 3;
const pollMs = 200;

/** What the management says of a queue. */
interface Queue {
  readonly name: string;
  readonly type: string;
  readonly leader?: string;
  readonly messages?: number;
  readonly consumers?: number;
  readonly online?: readonly string[];
}

interface Node {
  readonly server: Server;
  readonly folder: string;
  readonly ports: RabbitmqPorts;
}

/** Three nodes of RabbitMQ, each quorum queue on all of them. */
export async function rabbitmqCluster(): Promise<Cluster> {
  const epmd = await freePort();
  // The nodes find each other by it, so it must outlive each of them.
  const finder = spawn("epmd", ["-port", String(epmd), "-address", "127.0.0.1"], {
    stdio: "ignore",
  });
  const root = mkdtempSync(join(tmpdir(), "trunkline-rabbitmq-cluster-"));
  const all: Node[] = [];
  for (let number = 0; number < nodes; number++) {
    const ports = { ...(await freeRabbitmqPorts()), epmd };
    const server = rabbitmqAt(`rabbit${number}`, ports, { epmd: "shared", settings: settings() });
    all.push({ server, folder: join(root, String(number)), ports });
  }
  const close = async (): Promise<void> => {
    for (const { folder } of all) await kill(folder);
    finder.kill();
    rmSync(root, { recursive: true, force: true });
  };
  try {
    for (const { server, folder } of all) await start(server, folder);
  } catch (error) {
    for (const { folder } of all) await stop(folder);
    await close();
    throw error;
  }
  const { name, password } = rabbitmqUser;
  const hosts = all.map(({ ports }) => `127.0.0.1:${ports.amqp}`).join(",");
  return {
    make: amqp({ replicas: nodes, heartbeatSeconds: 5 }),
    address: `amqp://${name}:${password}@${hosts}`,
    channel: { enqueued: "replicated" },
    nodes,
    leaderOf: async (channel) => mostOften(await leadersOf(all[0]!, channel)),
    look: async (channel) =>
      (await queuesOf(all[0]!))
        .filter((each) => each.name.startsWith(channel.name))
        .map((each) =>
          [
            each.name.slice(channel.name.length),
            `${each.messages} messages, ${each.consumers} consumers, led by ${each.leader}`,
          ].join(": "),
        )
        .join("; "),
    kill: (node) => kill(all[node]!.folder),
    async restart(node) {
      const { server, folder } = all[node]!;
      await start(server, folder);
      while (!(await inStep(all[node]!))) await pause(pollMs);
    },
    [Symbol.asyncDispose]: close,
  };
}

function settings(): Record<string, string> {
  const found = Array.from({ length: nodes }, (_, number) => [
    `cluster_formation.classic_config.nodes.${number + 1}`,
    `rabbit${number}@localhost`,
  ]);
  return {
    "cluster_formation.peer_discovery_backend": "classic_config",
    ...Object.fromEntries(found),
    queue_master_locator: "min-masters",
  };
}

async function queuesOf({ ports }: Node): Promise<readonly Queue[]> {
  const { name, password } = rabbitmqUser;
  const answer = await fetch(`http://127.0.0.1:${ports.management}/api/queues`, {
    headers: { authorization: `Basic ${btoa(`${name}:${password}`)}` },
    signal: AbortSignal.timeout(10_000),
  });
  return (await answer.json()) as readonly Queue[];
}

async function leadersOf(node: Node, channel: Channel): Promise<readonly number[]> {
  const queues = await queuesOf(node);
  return queues
    .filter(({ name, leader }) => name.startsWith(`${channel.name}#`) && leader !== undefined)
    .map(({ leader }) => Number(/^rabbit(\d)@/.exec(leader!)?.[1]));
}

function mostOften(numbers: readonly number[]): number {
  const counts = Array.from(
    { length: nodes },
    (_, number) => numbers.filter((each) => each === number).length,
  );
  return counts.indexOf(Math.max(...counts));
}

async function inStep(node: Node): Promise<boolean> {
  try {
    const quorum = (await queuesOf(node)).filter(({ type }) => type === "quorum");
    return quorum.length > 0 && quorum.every(({ online }) => online?.length === nodes);
  } catch {
    return false;
  }
}
