// Trunkline's server in a thread; says where it listens.
import { parentPort } from "node:worker_threads";
import { serveAt } from "./trunkline.ts";

parentPort!.postMessage(await serveAt("worker:bench"));
