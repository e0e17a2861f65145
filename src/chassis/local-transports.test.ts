import { deepEqual, equal } from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import * as z from "zod";

import { serve } from "../call/serve.ts";
import { call, contract, stream } from "../contract/index.ts";
import { addonProblem } from "../os/addon.ts";
import { chassis } from "./chassis.ts";
import { client, close } from "./client.ts";

const Echo = contract(
  "echo",
  { version: "1.0.0" },
  {
    back: call({ in: z.string(), out: z.string() }),
    count: stream({ in: z.int(), out: z.int() }),
  },
);

for (const scheme of ["fifo", "unixpacket"]) {
  const skip = scheme === "unixpacket" ? (addonProblem() ?? false) : false;
  test(
    `a service is called by its address over ${scheme}:, also with more than a frame holds`,
    { skip },
    async (t) => {
      const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
      t.after(() => rmSync(folder, { recursive: true }));
      const app = await chassis({
        name: "echo",
        listen: `${scheme}:${folder}/echo`,
        signals: false,
        serve: [
          serve(Echo, {
            back: (text) => text,
            async *count(to) {
              for (let number = 0; number < to; number++) yield number;
            },
          }),
        ],
      });
      const echo = client(Echo, app.addresses[0]!);
      const long = "x".repeat(500_000);
      deepEqual(await Promise.all(["a", long, "b"].map((text) => echo.back(text))), [
        "a",
        long,
        "b",
      ]);
      const numbers: number[] = [];
      for await (const number of echo.count(1_000)) numbers.push(number);
      equal(numbers.length, 1_000);
      await close(echo);
      await app.stop();
      deepEqual(readdirSync(folder), []);
    },
  );
}
