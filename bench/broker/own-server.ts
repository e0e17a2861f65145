// The embedded broker in a process of its own, served over AMQP: `own-server.ts FOLDER`.
import { amqpServer } from "../../src/amqp/server.ts";
import { realEnv } from "../../src/base/real-env.ts";
import { Node } from "../../src/broker/embedded/node.ts";
import { openSqliteStorage } from "../../src/broker/embedded/storage/open.ts";
import { answer } from "../child.ts";
import { residentBytes } from "../usage.ts";
import { fill, inside, type InsideAnswer, type InsideQuestion } from "./inside.ts";

export type OwnQuestion =
  | InsideQuestion
  /** So many messages are to wait in a queue. */
  | { readonly ask: "fill"; readonly queue: string; readonly count: number }
  /** How many wait there. */
  | { readonly ask: "waiting"; readonly queue: string }
  | { readonly ask: "memory" };

const [folder] = process.argv.slice(2);
const env = realEnv();
const node = new Node(await openSqliteStorage(folder!, {}, env), env);
const server = await amqpServer({ node, listen: ["amqp://127.0.0.1:0"] });
const port = Number(new URL(server.addresses[0]!).port);

async function told(question: OwnQuestion): Promise<InsideAnswer | number> {
  switch (question.ask) {
    case "inside":
      return inside(node, question);
    case "fill":
      await fill(node, question.queue, question.count);
      return question.count;
    case "waiting":
      return node.host("/").queue(question.queue)?.ready ?? 0;
    case "memory":
      return residentBytes();
  }
}

answer(told, JSON.stringify({ port, pid: process.pid }));
