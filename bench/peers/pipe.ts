import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { join } from "node:path";
import { bareConnected } from "../bare/connected.ts";
import { streamWire } from "../bare/wire.ts";
import type { Peer } from "../peer.ts";

const program = join(import.meta.dirname, "..", "bare", "pipe-child.ts");

/** Over the pipes between a process and its child. */
export const pipe: Peer = {
  async connect() {
    const child = spawn(process.execPath, [...process.execArgv, program], {
      stdio: ["pipe", "pipe", "inherit", "pipe", "ipc"],
    });
    const third = child.stdio[3] as Socket;
    return {
      ...bareConnected(streamWire(child.stdout!, child.stdin!), streamWire(third, third)),
      async otherCpuUs() {
        const answered = once(child, "message");
        child.send("cpu");
        return (await answered)[0] as number;
      },
    };
  },
};
