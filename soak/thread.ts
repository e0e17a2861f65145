// A server in a thread; says where it listens, and what it holds when asked.
import { parentPort } from "node:worker_threads";
import { figures } from "./figures.ts";
import { serveMixed } from "./service.ts";

const app = await serveMixed(["worker:soak"]);
parentPort!.on("message", () => void figures().then((all) => parentPort!.postMessage(all)));
parentPort!.postMessage(app.addresses[0]);
