import { equal } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { realEnv } from "../../base/real-env.ts";
import { addonProblem } from "../../os/addon.ts";
import { parseAddress } from "../address.ts";
import { movedUnix } from "./testing/moved-unix.ts";

suite("a process with a connection that has moved", { skip: addonProblem() ?? false }, () => {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  after(() => rmSync(folder, { recursive: true }));

  /** A process that dials, moves, does that, and has nothing else to do. Resolves with what it printed when it has ended. */
  const ended = async (name: string, deed: string): Promise<string> => {
    const address = parseAddress(`unix:${folder}/${name}.sock`);
    const nothing = { frame: () => {}, drain: () => {}, ended: () => {}, closed: () => {} };
    const listener = await movedUnix().listen(
      address,
      (connection) => connection.open(nothing),
      {},
      realEnv(),
    );
    const program = `
      import { realEnv } from ${JSON.stringify(import.meta.resolve("../../base/real-env.ts"))};
      import { parseAddress } from ${JSON.stringify(import.meta.resolve("../address.ts"))};
      import { movedUnix } from ${JSON.stringify(import.meta.resolve("./testing/moved-unix.ts"))};
      const env = realEnv();
      const address = parseAddress(${JSON.stringify(address.text)});
      const connection = await movedUnix().dial(address, { until: env.now() + 10_000 }, env);
      connection.open({ frame() {}, drain() {}, ended() {}, closed() {} });
      while (connection.moves.way !== "shm") await new Promise((resolve) => setImmediate(resolve));
      process.once("exit", () => console.log(connection.moves.way));
      ${deed}`;
    const child = spawn(process.execPath, [
      ...["--conditions=@trunkline/source", "--input-type=module"],
      ...["--eval", program],
    ]);
    let printed = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (printed += text));
    await once(child, "close");
    await listener.close();
    return printed;
  };

  test("ends while nobody reads it", { timeout: 60_000 }, async () => {
    equal(await ended("paused", "connection.pause();"), "shm\n");
  });

  test("goes on for what may come", { timeout: 60_000 }, async () => {
    const deed = `setTimeout(() => {
        console.log("waited");
        connection.pause();
      }, 50).unref();`;
    equal(await ended("open", deed), "waited\nshm\n");
  });
});
