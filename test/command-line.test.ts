// The program as people start it, against a process of its own: exit codes, pipes, Ctrl-C; and the page that shows it.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { fromSource, start, type Ended, type Program } from "./program.ts";

const root = join(import.meta.dirname, "..");
const program = join(root, "src/cli/main.ts");
const page = readFileSync(join(root, "docs/command-line.md"), "utf8");

suite("trunkline, against a running example", () => {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-cli-"));
  const address = `unix:${folder}/clock.sock`;
  let server: Program;

  before(() => {
    const example = join(root, "examples/02-one-process-then-two/server.ts");
    server = start(process.execPath, [...fromSource, example, address], folder);
  });
  after(async () => {
    server.kill("SIGTERM");
    await server.ended;
    rmSync(folder, { recursive: true });
  });

  function begin(...words: string[]): Program {
    return start(process.execPath, [...fromSource, program, ...words], folder);
  }

  function trunkline(...words: string[]): Promise<Ended> {
    return begin(...words).ended;
  }

  function shell(line: string): Promise<Ended> {
    const command = [process.execPath, ...fromSource, program].map((word) => `'${word}'`).join(" ");
    return start("sh", ["-c", line.replaceAll("trunkline", command)], folder).ended;
  }

  test("what it serves, what it answers, and what became of that", async () => {
    const described = await trunkline("describe", address);
    match(described.stdout, /^ {2}ticks {2}stream {8}\{ most: number \} → number …$/m);
    const items = await trunkline("call", address, "clock.ticks", '{"most":3}');
    deepEqual(items, { code: 0, stdout: "1\n2\n3\n", stderr: "" });
    const wrong = await trunkline("call", address, "clock.ticks", "{}");
    deepEqual([wrong.code, wrong.stdout], [4, ""]);
    match(wrong.stderr, /^INVALID_ARGUMENT clock\.ticks .*most: /);
    const stats = await trunkline("stats", address);
    match(stats.stdout, /^clock\.ticks {2}stream +2 .* INVALID_ARGUMENT 1$/m);
    deepEqual(await trunkline("health", address), { code: 0, stdout: "serving\n", stderr: "" });
  });

  test("a relative address, standard input, and a pipe", async () => {
    const line =
      "echo '{\"most\": 2}' | trunkline call unix:./clock.sock clock.ticks - --json | tail -1";
    const { code, stdout } = await shell(line);
    equal(code, 0);
    const { ok: well, items } = JSON.parse(stdout) as { ok: boolean; items: number };
    deepEqual([well, items], [true, 2]);
  });

  test("who has seen enough ends it without a word", async () => {
    const ended = await shell(
      "trunkline call unix:./clock.sock clock.ticks '{\"most\":1000000000}' | head -1",
    );
    match(ended.stdout, /^\d+\n$/);
    deepEqual([ended.code, ended.stderr], [0, ""]);
  });

  test("Ctrl-C ends a stream and gives its code", async () => {
    const reading = begin("call", address, "clock.ticks", '{"most":1000000000}');
    await reading.printed(10);
    reading.kill("SIGINT");
    const { code, stderr } = await reading.ended;
    equal(code, 130);
    match(stderr, /^CANCELLED clock\.ticks/);
  });

  test("bench --json ends with one object", async () => {
    const ended = await trunkline("bench", address, "clock.count", "--seconds", "1", "--json");
    const told = JSON.parse(ended.stdout) as { ok: boolean; count: number; failures: object };
    deepEqual([ended.code, ended.stderr, told.ok, told.failures], [0, "", true, {}]);
    ok(told.count > 0);
  });

  test("health --watch ends when the process stops", async () => {
    const other = `unix:${folder}/other.sock`;
    const example = join(root, "examples/02-one-process-then-two/server.ts");
    const serving = start(process.execPath, [...fromSource, example, other], folder);
    const watching = begin("health", other, "--watch", "--json");
    await watching.printed('{"serving":true}\n'.length);
    serving.kill("SIGTERM");
    const { code, stdout } = await watching.ended;
    equal(code, 7);
    equal(stdout, '{"serving":true}\n{"serving":false}\n{"ok":false,"serving":false}\n');
    equal((await serving.ended).code, 0);
  });
});

test("docs/command-line.md shows the help as it is printed", async () => {
  const { stdout } = await start(process.execPath, [...fromSource, program, "--help"], root).ended;
  ok(page.includes(stdout.trimEnd()), "put the output of `trunkline --help` into the page");
});
