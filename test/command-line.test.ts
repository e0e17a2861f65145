// The program as people start it, against a process of its own: exit codes, pipes, Ctrl-C; and the page that shows it.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { bytes, chassis, contract, duplex, serve, upload, type Chassis } from "trunkline";
import * as z from "zod";
import { pageOf } from "./markdown.ts";
import { fromSource, start, type Ended, type Program } from "./program.ts";

const root = join(import.meta.dirname, "..");
const program = join(root, "src/cli/main.ts");
const page = readFileSync(join(root, "docs/command-line.md"), "utf8");

const Files = contract(
  "files",
  { version: "1.0.0" },
  {
    measure: upload({
      head: z.object({ name: z.string() }),
      in: bytes(),
      out: z.record(z.string(), z.number()),
    }),
    greet: upload({ in: bytes(), out: z.string() }),
    echo: duplex({ in: bytes(), out: bytes() }),
  },
);

suite("trunkline, against a running example", () => {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-cli-"));
  const address = `unix:${folder}/clock.sock`;
  let server: Program;
  let files: Chassis;

  before(async () => {
    files = await chassis({
      name: "files",
      listen: `unix:${folder}/files.sock`,
      signals: false,
      serve: [
        serve(Files, {
          async measure(chunks, { head }) {
            let size = 0;
            for await (const chunk of chunks) size += chunk.length;
            return { [head.name]: size };
          },
          greet: () => "hello",
          echo: (chunks) => chunks,
        }),
      ],
    });
    const example = join(root, "examples/02-one-process-then-two/server.ts");
    server = start(process.execPath, [...fromSource, example, address], folder);
  });
  after(async () => {
    await files[Symbol.asyncDispose]();
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

  test("Ctrl-C ends it also when nobody reads its output any more", async () => {
    const words = ["call", address, "clock.ticks", '{"most":1000000000}'];
    const stuck = spawn(process.execPath, [...fromSource, program, ...words], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    await once(stuck.stdout, "readable");
    // The ticks stop when there is no room for them.
    for (let earlier = ""; ;) {
      const { stdout } = await trunkline("call", address, "clock.count");
      if (stdout === earlier) break;
      earlier = stdout;
    }
    stuck.kill("SIGINT");
    deepEqual(await once(stuck, "exit"), [130, null]);
    stuck.stdout.destroy();
  });

  test("an upload and a duplex in a pipe, and their items to the last byte", async () => {
    const { code, stdout, stderr } = await shell(
      `head -c 3000000 /dev/zero | trunkline call unix:./files.sock files.measure '{"name":"zeros"}'`,
    );
    deepEqual({ code, stdout, stderr }, { code: 0, stdout: '{"zeros":3000000}\n', stderr: "" });
    const echoed = await shell(
      "head -c 3000000 /dev/zero | trunkline call unix:./files.sock files.echo | wc -c",
    );
    equal(echoed.stdout.trim(), "3000000");
    const empty = await shell("trunkline call unix:./files.sock files.echo <&- | wc -c");
    equal(empty.stdout.trim(), "0");
  });

  test("an early answer ends it, whatever is still to be read", async () => {
    const line =
      "mkfifo held; sleep 600 > held & holder=$!; trunkline call unix:./files.sock files.greet < held; echo $?; kill $holder";
    const { stdout } = await shell(line);
    equal(stdout, '"hello"\n0\n');
  });

  test("a folder is no empty file", async () => {
    const folderGiven = await shell("trunkline call unix:./files.sock files.echo < .");
    equal(folderGiven.code, 2);
    match(folderGiven.stderr, /^trunkline: standard input cannot be read: it is a folder/);
  });

  test("a full disk is no success", { skip: !existsSync("/dev/full") }, async () => {
    const full = await shell(
      "head -c 3000000 /dev/zero | trunkline call unix:./files.sock files.echo > /dev/full",
    );
    equal(full.code, 1);
    match(full.stderr, /^trunkline: standard output cannot be written: ENOSPC/);
  });

  test("a server that is killed in the middle of it leaves the truth: maybe", async () => {
    const other = `unix:${folder}/killed.sock`;
    const example = join(root, "examples/02-one-process-then-two/server.ts");
    const serving = start(process.execPath, [...fromSource, example, other], folder);
    const reading = begin("call", other, "clock.ticks", '{"most":1000000000}', "--json");
    await reading.printed(10);
    serving.kill("SIGKILL");
    const { code, stdout } = await reading.ended;
    const last = JSON.parse(stdout.trimEnd().split("\n").at(-1)!) as {
      ok: boolean;
      error: Record<string, unknown>;
    };
    deepEqual([code, last.ok, last.error["code"]], [5, false, "UNAVAILABLE"]);
    equal(last.error["executed"], "maybe");
    await serving.ended;
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

suite("docs/command-line.md", () => {
  // Inside the package, so that the servers find `trunkline` by its name.
  mkdirSync(join(root, ".cache"), { recursive: true });
  const folder = mkdtempSync(join(root, ".cache/cli-"));
  const readme = pageOf("README.md", readFileSync(join(root, "README.md"), "utf8"));
  const { files, transcripts } = pageOf("docs/command-line.md", page);
  const servers: Program[] = [];

  before(async () => {
    for (const [name, text] of [...readme.files, ...files]) writeFileSync(join(folder, name), text);
    for (const name of ["server.ts", "desk.ts"])
      servers.push(start(process.execPath, [...fromSource, name], folder));
    await Promise.all(servers.map((server) => server.printed("desk is ready\n".length)));
  });
  after(async () => {
    for (const server of servers) server.kill("SIGTERM");
    await Promise.all(servers.map(({ ended }) => ended));
    rmSync(folder, { recursive: true });
  });

  test("every transcript shows what is printed", async () => {
    const command = [process.execPath, ...fromSource, program].map((word) => `'${word}'`).join(" ");
    ok(transcripts.length > 4);
    // In the order of the page: the figures are of what was asked before.
    for (const transcript of transcripts) {
      const lines = transcript.match(/(?<=^\$ ).*$/gm)!;
      const script = `trunkline() { ${command} "$@"; }\nexec 2>&1\n${lines.join("\n")}\n`;
      const { stdout } = await start("sh", ["-c", script], folder).ended;
      equal(
        steady(stdout.replaceAll(folder, "/srv")),
        steady(transcript.replaceAll(/^\$ .*\n/gm, "")),
      );
    }
  });
});

/** Without what is another each time: durations, digests, instances, and the spaces that align them. */
function steady(text: string): string {
  return text
    .replaceAll(/(?<=[ ,])\d[\d.]* (ms|s|min|h|d)\b/g, "…")
    .replaceAll(/(?<="durationMs":)[\d.]+/g, "…")
    .replaceAll(/(?<=full:)[0-9a-f]{32}/g, "…")
    .replaceAll(/(?<=^instance [a-z]+-)[0-9a-f-]{36}/gm, "…")
    .replaceAll(/… …/g, "…")
    .replaceAll(/ {2,}/g, "  ");
}
