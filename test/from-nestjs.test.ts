// docs/from-nestjs.md: the service before and after, both as the page shows them, on one real RabbitMQ.
import { deepEqual, equal, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { missing } from "../scripts/servers/for-tests.ts";
import { rabbitmqUnderTest } from "../scripts/servers/rabbitmq-for-tests.ts";
import { freeRabbitmqPorts, rabbitmqUser } from "../scripts/servers/rabbitmq.ts";
import { running, type Running } from "../scripts/servers/running.ts";
import { pageOf } from "./markdown.ts";
import { fromSource } from "./program.ts";

const root = join(import.meta.dirname, "..");
const path = "docs/from-nestjs.md";
const markdown = readFileSync(join(root, path), "utf8");
const page = pageOf(path, markdown);

const ports = await freeRabbitmqPorts();
const server = rabbitmqUnderTest("rabbitmq", ports);

suite("docs/from-nestjs.md, on a real RabbitMQ", { skip: missing(server) ?? false }, () => {
  // Inside the package, so that both find what they import.
  mkdirSync(join(root, ".cache"), { recursive: true });
  const folder = mkdtempSync(join(root, ".cache", "nest-"));
  let node: Running;
  before(async () => {
    node = await running(server);
  });
  after(async () => {
    await node[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  const prints = page.commands.find(({ file }) => file === "after.ts")?.prints;

  test("before: NestJS prints what the page shows", () => {
    // Node runs no decorators: they are compiled as Nest does it.
    const [, text] = /^```ts nest\n([^]*?)^```$/m.exec(markdown) ?? [];
    ok(text !== undefined, "the page shows before.ts");
    write("before.ts", text);
    const compilerOptions = {
      target: "es2024",
      module: "nodenext",
      experimentalDecorators: true,
      strict: true,
      skipLibCheck: true,
      types: ["node"],
    };
    write("tsconfig.json", JSON.stringify({ compilerOptions, files: ["before.ts"] }));
    const tsc = spawnSync(join(root, "node_modules/.bin/tsc"), ["-p", folder], {
      encoding: "utf8",
    });
    equal(tsc.stdout, "");
    deepEqual(run("before.js"), { status: 0, stdout: prints, stderr: "" });
  });

  test("after: Trunkline prints the same", () => {
    for (const [name, text] of page.files) write(name, text);
    deepEqual(run("after.ts"), { status: 0, stdout: prints, stderr: "" });
  });

  function write(name: string, text: string): void {
    writeFileSync(join(folder, name), text);
  }

  function run(file: string) {
    const { name: user, password } = rabbitmqUser;
    const BROKER = `amqp://${user}:${password}@127.0.0.1:${ports.amqp}`;
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { status, stdout, stderr } = spawnSync(process.execPath, [...fromSource, file], {
      cwd: folder,
      env: { ...env, BROKER },
      encoding: "utf8",
      timeout: 120_000,
    });
    return { status, stdout, stderr };
  }
});
