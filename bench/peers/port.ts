import { once } from "node:events";
import { join } from "node:path";
import { MessageChannel, Worker } from "node:worker_threads";
import { bareConnected } from "../bare/connected.ts";
import { portWire } from "../bare/port-wire.ts";
import type { Peer } from "../peer.ts";

const program = join(import.meta.dirname, "..", "bare", "port-thread.ts");

/** Over message ports, to a thread of the same process. */
export const port: Peer = {
  async connect() {
    const [echo, blocks] = [new MessageChannel(), new MessageChannel()];
    const thread = new Worker(program, {
      workerData: { echo: echo.port2, blocks: blocks.port2 },
      transferList: [echo.port2, blocks.port2],
    });
    await once(thread, "online");
    return bareConnected(portWire(echo.port1), portWire(blocks.port1));
  },
};
