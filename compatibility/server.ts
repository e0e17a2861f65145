// The embedded broker in a process of its own, served over AMQP: `server.ts FOLDER PORT`.
import { amqpServer } from "../src/amqp/index.ts";
import { realEnv } from "../src/base/real-env.ts";
import { Node } from "../src/broker/embedded/node.ts";
import { openSqliteStorage } from "../src/broker/embedded/storage/open.ts";

const [folder, port] = process.argv.slice(2);
const env = realEnv();
const node = new Node(await openSqliteStorage(folder!, {}, env), env);
await amqpServer({ node, listen: [`amqp://127.0.0.1:${port}`] });
