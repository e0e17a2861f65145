// `trunkline registry` as people start it, with processes that register and a client that finds them: the registry is killed and
// started again in the middle, stopped by SIGSTOP, and looked at from the command line.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { client } from "trunkline";
import { fromSource, start, type Program } from "./program.ts";
import { Desk } from "./registry/desk.ts";

const root = join(import.meta.dirname, "..");
const program = join(root, "src/cli/main.ts");

suite("a registry of a few processes", { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-registry-"));
  const address = `unix:${folder}/registry.sock`;
  const discovery = `registry+${address}`;
  const programs: Program[] = [];
  after(() => {
    for (const each of programs) each.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  });

  function run(args: readonly string[]): Program {
    const made = start(process.execPath, [...fromSource, ...args], folder);
    programs.push(made);
    return made;
  }

  async function registry(): Promise<Program> {
    const made = run([program, "registry", "--listen", address, "--data", join(folder, "data")]);
    match(await made.line(), /^registry at unix:/);
    return made;
  }

  async function server(id: string): Promise<Program> {
    const listen = `unix:${folder}/${id}.sock`;
    const made = run([join(root, "test/registry/server.ts"), listen, discovery, id]);
    equal(await made.line(), "ready");
    return made;
  }

  /** What is registered, as the command line tells it. */
  async function listed(): Promise<string[]> {
    const { stdout, code, stderr } = await run([
      program,
      "registry",
      "list",
      address,
      "desk",
      "--json",
    ]).ended;
    equal(code, 0, stderr);
    const { instances } = JSON.parse(stdout) as { readonly instances: readonly { id: string }[] };
    return instances.map(({ id }) => id).toSorted();
  }

  test("calls go on while it is killed, wiped out and started again, and new instances are found after it", async (context) => {
    let running = await registry();
    const servers = [await server("a"), await server("b")];
    deepEqual(await listed(), ["a", "b"]);
    await using desk = client(Desk, "service:desk", { discovery });
    let calls = 0;
    const answered = new Map<string, number>();
    const failures: unknown[] = [];
    let over = false;
    const calling = (async () => {
      while (!over) {
        const result = await desk.ask.result("?");
        calls++;
        if (!result.ok) failures.push(result.error);
        else {
          const [by = ""] = result.value.split(" ");
          answered.set(by, (answered.get(by) ?? 0) + 1);
        }
        await sleep(5);
      }
    })();

    await sleep(1_000);
    running.kill("SIGKILL");
    await running.ended;
    await sleep(3_000); // longer than the leases
    running = await registry();
    while ((await listed()).length < 2) await sleep(50);

    // Stopped for longer than all leases: nobody has lost anything when it goes on.
    running.kill("SIGSTOP");
    await sleep(3_000);
    running.kill("SIGCONT");
    await sleep(500);
    deepEqual(await listed(), ["a", "b"]);

    running.kill("SIGKILL");
    await running.ended;
    rmSync(join(folder, "data"), { recursive: true });
    running = await registry();
    while ((await listed()).length < 2) await sleep(50);
    servers.push(await server("c"));
    while (!answered.has("c")) await sleep(10);

    servers[0]!.kill("SIGKILL");
    while ((await listed()).includes("a")) await sleep(50);
    over = true;
    await calling;
    deepEqual(failures, []);
    context.diagnostic(
      `${calls} calls: ${[...answered].map(([id, n]) => `${id} ${n}`).join(", ")}`,
    );
    ok(existsSync(join(folder, "data")));

    for (const each of servers.slice(1)) each.kill("SIGTERM");
    for (const each of servers.slice(1)) equal((await each.ended).code, 0);
    deepEqual(await listed(), []);
    running.kill("SIGTERM");
    const { code, stderr } = await running.ended;
    equal(code, 0, stderr);
    equal(stderr, "");
  });

  test("it listens for other hosts only by TLS, or when that is written", async () => {
    const { code, stderr } = await run([program, "registry", "--listen", "tcp://0.0.0.0:0"]).ended;
    match(stderr, /without encryption/);
    equal(code, 4);
  });
});
