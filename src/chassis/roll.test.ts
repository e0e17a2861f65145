import { deepEqual } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";

import { serve } from "../call/serve.ts";
import { call } from "../contract/call.ts";
import { contract } from "../contract/contract.ts";
import { chassis, type Chassis } from "./chassis.ts";
import { client } from "./client.ts";

const Orders = contract("orders", { version: "1.0.0" }, { count: call() });

test(
  "a server that hands its address over to the next one fails no call of those who dial anew",
  { timeout: 60_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "trunkline-roll-"));
    const address = `unix:${join(folder, "orders.sock")}`;
    const failures: string[] = [];
    let answers = 0;
    let over = false;
    const start = async (): Promise<Chassis> => {
      for (;;) {
        try {
          return await chassis({
            name: "orders",
            listen: address,
            signals: false,
            serve: [serve(Orders, { count: () => {} })],
          });
        } catch (error) {
          if ((error as { code?: string }).code !== "UNAVAILABLE") throw error;
        }
      }
    };
    // Clients of one process share a connection to an address; other bounds make another one.
    const load = async (index: number): Promise<void> => {
      await using orders = client(Orders, address, {
        outstandingMax: 1_000 + index,
        connectWait: "60s", // how long a roll takes on a busy machine is not the point
        deadline: "60s",
      });
      const work = async (): Promise<void> => {
        while (!over) {
          const result = await orders.count.result();
          if (result.ok) answers++;
          else failures.push(result.error.message);
        }
      };
      await Promise.all([work(), work(), work()]);
    };
    let app = await start();
    const clients = Promise.all(Array.from({ length: 24 }, (_, index) => load(index)));
    try {
      for (let roll = 0; roll < 20; roll++) {
        for (const enough = answers + 500; answers < enough;) await setImmediate();
        const last = app.stop();
        app = await start();
        await last;
      }
    } finally {
      over = true;
      await clients;
      await app.stop();
      rmSync(folder, { recursive: true });
    }
    deepEqual([...new Set(failures)], []);
  },
);
