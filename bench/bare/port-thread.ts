// The other end of bare message ports, in a thread: one port for echoes, one for blocks.
import { workerData, type MessagePort } from "node:worker_threads";
import { sendBlocks } from "./blocks.ts";
import { answerWithEcho } from "./echo.ts";
import { portWire } from "./port-wire.ts";

const { echo, blocks } = workerData as { echo: MessagePort; blocks: MessagePort };
answerWithEcho(portWire(echo));
sendBlocks(portWire(blocks));
