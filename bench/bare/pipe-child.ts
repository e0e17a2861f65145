// The other end of bare pipes: echoes on stdin and stdout, blocks on descriptor 3.
import { Socket } from "node:net";
import { cpuUs } from "../usage.ts";
import { sendBlocks } from "./blocks.ts";
import { answerWithEcho } from "./echo.ts";
import { streamWire } from "./wire.ts";

const input = new Socket({ fd: 0, readable: true, writable: false });
const output = new Socket({ fd: 1, readable: false, writable: true });
const third = new Socket({ fd: 3, readable: true, writable: true });
answerWithEcho(streamWire(input, output));
sendBlocks(streamWire(third, third));
process.on("message", () => process.send!(cpuUs()));
process.on("disconnect", () => process.exit());
