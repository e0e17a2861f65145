// The embedded broker in a process of its own, served over AMQP: `own-server.ts FOLDER`.
import { amqpServer } from "../../src/amqp/index.ts";
import { realEnv } from "../../src/base/real-env.ts";
import { Node } from "../../src/broker/embedded/node.ts";
import { openSqliteStorage } from "../../src/broker/embedded/storage/open.ts";
import { answer } from "../child.ts";

const [folder] = process.argv.slice(2);
const env = realEnv();
const node = new Node(await openSqliteStorage(folder!, {}, env), env);
const server = await amqpServer({ node, listen: ["amqp://127.0.0.1:0"] });
const port = Number(new URL(server.addresses[0]!).port);

answer(async () => undefined, JSON.stringify({ port, pid: process.pid }));
