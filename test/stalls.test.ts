// Processes that stand still (SIGSTOP), as a host does that is out of memory, or a garbage collection that takes long.
import { deepEqual, equal, ok } from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test, type TestContext } from "node:test";

import { client, type ClientOptions } from "trunkline";
import { Desk } from "./stalls/desk.ts";

const soon = { timeout: 60_000 };
const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
after(() => rmSync(folder, { recursive: true }));

interface Program {
  readonly child: ChildProcess;
  line(): Promise<string>;
}

function run(t: TestContext, program: string, ...args: string[]): Program {
  const path = join(import.meta.dirname, "stalls", program);
  const child = spawn(process.execPath, [...process.execArgv, path, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, line: async () => String((await lines.next()).value) };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

interface Row {
  readonly over: string;
  readonly scheme: string;
  readonly options?: ClientOptions;
}

const rows: readonly Row[] = [
  { over: "RSocket, by the host's clock", scheme: "unix" },
  { over: "RSocket, by what is left", scheme: "unix", options: { metadata: "composite" } },
  { over: "HTTP/1.1", scheme: "http+unix" },
  { over: "gRPC", scheme: "grpc+unix" },
];

for (const [index, { over, scheme, options }] of rows.entries())
  test(
    `over ${over} a server that stood still does not begin what was given up meanwhile`,
    soon,
    async (t) => {
      const address = `${scheme}:${folder}/${index}.sock`;
      const server = run(t, "server.ts", address);
      equal(await server.line(), "ready");
      await using desk = client(Desk, address, { ...options, throttle: false });
      for (const warm of ["a", "b"]) equal(await desk.work(warm), warm);
      server.child.kill("SIGSTOP");
      const controller = new AbortController();
      const late = Array.from({ length: 30 }, (_, n) =>
        desk.work.result(`late ${n}`, { deadline: "300ms" }),
      );
      const given = Array.from({ length: 30 }, (_, n) =>
        desk.work.result(`given up ${n}`, { signal: controller.signal }),
      );
      const patient = ["p", "q"].map((input) => desk.work(input, { deadline: "30s" }));
      await pause(200);
      controller.abort();
      for (const result of await Promise.all([...late, ...given])) {
        ok(!result.ok);
        ok(["DEADLINE_EXCEEDED", "CANCELLED"].includes(result.error.code), result.error.message);
      }
      await pause(700);
      server.child.kill("SIGCONT");
      deepEqual(await Promise.all(patient), ["p", "q"]);
      await using other = client(Desk, address, options); // one that has made no bad experience
      deepEqual(await other.ran({}), ["a", "b", "p", "q"]);
    },
  );

for (const [index, { over, scheme }] of rows.filter(({ options }) => !options).entries())
  test(
    `over ${over} a caller that stood still takes the answers that came meanwhile`,
    soon,
    async (t) => {
      const address = `${scheme}:${folder}/c${index}.sock`;
      const server = run(t, "server.ts", address);
      equal(await server.line(), "ready");
      const caller = run(t, "caller.ts", address, "700ms", "350");
      equal(await caller.line(), "asked");
      caller.child.kill("SIGSTOP");
      await pause(1_200);
      caller.child.kill("SIGCONT");
      deepEqual(
        JSON.parse(await caller.line()),
        Array.from({ length: 20 }, () => "OK"),
      );
    },
  );
