import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { ConnectionPool, metadataV12 } from "@platformatic/kafka";
import { freeNode, kafkaAt, type KafkaNode } from "../scripts/servers/kafka.ts";
import { kill, start, stop } from "../scripts/servers/server.ts";
import { realEnv } from "../src/base/real-env.ts";
import { kafka } from "../src/broker/kafka/index.ts";
import type { Channel } from "../src/broker/channel.ts";
import type { Cluster } from "./trial.ts";

const nodes = 3;
const pollMs = 200;

/** Three nodes of Kafka, each broker and controller at once; every partition on all of them, two of which must have a message. */
export async function kafkaCluster(): Promise<Cluster> {
  const root = mkdtempSync(join(tmpdir(), "trunkline-kafka-cluster-"));
  const places: KafkaNode[] = [];
  for (let number = 0; number < nodes; number++) places.push(await freeNode(number + 1));
  const all = places.map((place, number) => ({
    server: kafkaAt(`kafka${number}`, place, { nodes: places }),
    folder: join(root, String(number)),
  }));
  const close = async (): Promise<void> => {
    for (const { folder } of all) await kill(folder);
    rmSync(root, { recursive: true, force: true });
  };
  try {
    // Together: none answers before two of three have found each other.
    await Promise.all(all.map(({ server, folder }) => start(server, folder)));
  } catch (error) {
    for (const { folder } of all) await stop(folder);
    await close();
    throw error;
  }
  const ports = places.map(({ port }) => port);
  const make = kafka();
  const address = `kafka://${ports.map((port) => `127.0.0.1:${port}`).join(",")}`;
  return {
    make,
    address,
    channel: { enqueued: "replicated" },
    nodes,
    async leaderOf(channel: Channel) {
      const partitions = await partitionsOf(ports[0]!, channel.name);
      const counts = places.map(
        ({ id }) => partitions.filter(({ leaderId }) => leaderId === id).length,
      );
      return counts.indexOf(Math.max(...counts));
    },
    async look(channel) {
      await using broker = await make.open(address, { name: "look" }, realEnv());
      const { shards } = await broker.lag(channel, undefined);
      const told = shards.map(
        ({ shard, waiting, consumer = "nobody" }) => `${shard}: ${waiting} with ${consumer}`,
      );
      return told.join(", ");
    },
    kill: (node) => kill(all[node]!.folder),
    async restart(node) {
      const { server, folder } = all[node]!;
      await start(server, folder);
      while (!(await inStep(ports[node]!))) await pause(pollMs);
    },
    [Symbol.asyncDispose]: close,
  };
}

type Partitions = Awaited<ReturnType<typeof metadataV12.api.async>>["topics"][number]["partitions"];

/** The partitions of a topic, of all topics where none is named, as one node knows them. */
async function partitionsOf(port: number, topic?: string): Promise<Partitions> {
  const pool = new ConnectionPool("clusters", { connectTimeout: 5_000 });
  try {
    const connection = await pool.get({ host: "127.0.0.1", port });
    const asked = topic === undefined ? null : [topic];
    const { topics } = await metadataV12.api.async(connection, asked, false, false);
    return topics.flatMap(({ partitions }) => partitions);
  } finally {
    await pool.close();
  }
}

async function inStep(port: number): Promise<boolean> {
  try {
    const partitions = await partitionsOf(port);
    return partitions.length > 0 && partitions.every(({ isrNodes }) => isrNodes.length === nodes);
  } catch {
    return false;
  }
}
