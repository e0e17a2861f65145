import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";

import { sleep } from "../base/alarm.ts";
import { VirtualEnv } from "../base/virtual-env.ts";
import { raw } from "../codec/raw.ts";
import { addon, addonProblem } from "../os/addon.ts";
import { openTable } from "./table-reader.ts";
import { createTable } from "./table.ts";

const soon = { timeout: 60_000 };

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/**
 * Sets values each of which is one number many times, of changing length, `count` of them, or until it is killed; tells when it is the
 * writer, and when it is through.
 */
const writerCode = `
  const { createTable } = await import(process.env.TABLE_MODULE);
  const [path, count] = process.env.TABLE_ARGUMENTS.split(" ");
  const table = createTable(path);
  const from = table.version;
  process.send("writes");
  for (let n = from + 1; n <= from + Number(count); n++)
    table.set(Array.from({ length: 1 + (n % 500) }, () => n));
  process.send("through", () => process.disconnect());
`;

/** Starts a process with that, and resolves when it is the writer. */
async function startWriter(t: TestContext, path: string, count: number): Promise<ChildProcess> {
  const env = {
    ...process.env,
    TABLE_MODULE: pathToFileURL(join(import.meta.dirname, "table.ts")).href,
    TABLE_ARGUMENTS: `${path} ${count}`,
  };
  const child = spawn(process.execPath, ["--input-type=module", "--eval", writerCode], {
    env,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  t.after(() => child.kill("SIGKILL"));
  await once(child, "message");
  return child;
}

suite("tables", { skip: addonProblem() ?? false }, () => {
  test("what is set is read, with its version, and the same object until the next", (t) => {
    const path = join(folderOf(t), "run/limits");
    using writer = createTable<{ max: number }>(path);
    using reader = openTable<{ max: number }>(path);
    deepEqual(
      [reader.get(), reader.version, writer.get(), writer.version],
      [undefined, 0, undefined, 0],
    );
    writer.set({ max: 1 });
    const first = reader.get();
    deepEqual([first, reader.version], [{ max: 1 }, 1]);
    equal(reader.get(), first);
    writer.set({ max: 2 });
    deepEqual([reader.get(), writer.get(), reader.version], [{ max: 2 }, { max: 2 }, 2]);
    equal(statSync(path).mode & 0o777, 0o600);
    deepEqual(readdirSync(join(path, "..")), ["limits"]);
  });

  test("a table has one writer, and the next goes on where it has ended", (t) => {
    const path = join(folderOf(t), "x");
    const first = createTable<string>(path);
    throws(() => createTable(path), {
      code: "UNAVAILABLE",
      executed: "no",
      message: /has a writer/,
    });
    using reader = openTable<string>(path);
    equal(reader.written, true);
    first.set("one");
    first.close();
    first.close();
    equal(reader.written, false);
    equal(reader.get(), "one");
    throws(() => first.set("two"), { code: "UNAVAILABLE", executed: "no" });
    using second = createTable<string>(path);
    equal(second.get(), "one");
    second.set("three");
    deepEqual([reader.get(), reader.version, reader.written], ["three", 2, true]);
  });

  test("another size makes a new file, which readers find by themselves", (t) => {
    const path = join(folderOf(t), "x");
    const first = createTable<string>(path, { valueBytesMax: 10 });
    first.set("12345678");
    using reader = openTable<string>(path);
    equal(reader.get(), "12345678");
    throws(() => first.set("123456789"), {
      code: "RESOURCE_EXHAUSTED",
      executed: "no",
      message: /takes 11 bytes/,
    });
    first.close();
    throws(() => createTable(path, { valueBytesMax: 9 }), { code: "RESOURCE_EXHAUSTED" });
    using second = createTable<string>(path, { valueBytesMax: 1_000 });
    deepEqual(
      [second.get(), second.version, reader.get(), reader.version],
      ["12345678", 1, "12345678", 1],
    );
    second.set("x".repeat(500));
    deepEqual([reader.get()?.length, reader.version, reader.written], [500, 2, true]);
  });

  test("what the codec cannot write is refused, and the value before stays", (t) => {
    using table = createTable<unknown>(join(folderOf(t), "x"));
    table.set(1);
    throws(() => table.set(1n), {
      code: "INVALID_ARGUMENT",
      executed: "no",
      message: /written as json/,
    });
    equal(table.get(), 1);
  });

  test("bytes are read as bytes, and both sides have to have the same codec", (t) => {
    const path = join(folderOf(t), "x");
    using table = createTable<Uint8Array>(path, { codec: raw });
    table.set(Buffer.of(1, 2, 255));
    using reader = openTable<Uint8Array>(path, { codec: raw });
    deepEqual([...reader.get()!], [1, 2, 255]);
    throws(() => openTable(path), { code: "INVALID_ARGUMENT", message: /another codec/ });
    table.close();
    throws(() => createTable(path), { code: "INVALID_ARGUMENT", message: /another codec/ });
  });

  test("what is no table is neither read nor written over", (t) => {
    const folder = folderOf(t);
    const path = join(folder, "x");
    throws(() => openTable(path), { code: "UNAVAILABLE", executed: "no", message: /no table/ });
    for (const content of ["", "something else, and as long as a header is"]) {
      writeFileSync(path, content);
      throws(() => openTable(path), { code: "INVALID_ARGUMENT", message: /something else/ });
      throws(() => createTable(path), { code: "INVALID_ARGUMENT", message: /something else/ });
    }
    throws(() => createTable(folder), { code: "INVALID_ARGUMENT" });
    rmSync(path);
    createTable(path).close();
    truncateSync(path, 9_000);
    throws(() => openTable(path), { code: "INVALID_ARGUMENT", message: /9000 bytes/ });
  });

  test("what others may write, and a pipe, is refused", (t) => {
    const path = join(folderOf(t), "x");
    createTable(path).close();
    const refused = { code: "PERMISSION_DENIED", executed: "no", message: /written by others/ };
    chmodSync(path, 0o620);
    throws(() => openTable(path), refused);
    throws(() => createTable(path), refused);
    if (process.getuid!() === 0) {
      chmodSync(path, 0o600);
      chownSync(path, 65_534, 65_534);
      throws(() => openTable(path), refused);
      throws(() => createTable(path), refused);
    }
    rmSync(path);
    equal(addon()!.fifoCreate(path, 0o600), 0);
    throws(() => openTable(path), { code: "INVALID_ARGUMENT", message: /something else/ });
    throws(() => createTable(path), { code: "INVALID_ARGUMENT", message: /something else/ });
  });

  test("names and sizes that are none are refused", () => {
    for (const place of ["", "a b", ".x", "-x"])
      throws(() => openTable(place), { code: "INVALID_ARGUMENT", executed: "no" });
    for (const valueBytesMax of [0, 1.5, 2 ** 30])
      throws(() => createTable("x", { valueBytesMax }), {
        code: "INVALID_ARGUMENT",
        executed: "no",
      });
  });

  test("a name is a table of this user's in memory", (t) => {
    const name = `test-${process.pid}`;
    using table = createTable<number>(name);
    t.after(() => rmSync(table.path));
    ok(table.path.startsWith("/dev/shm/"));
    table.set(5);
    using reader = openTable<number>(name);
    equal(reader.get(), 5);
  });

  test("changes are told at the next look, the last of several, until nobody asks any more", async (t) => {
    const path = join(folderOf(t), "x");
    const env = new VirtualEnv();
    using table = createTable<string>(path);
    using reader = openTable<string>(path, { env });
    const seen: string[] = [];
    const stop = reader.onChange((value, version) => void seen.push(`${version}: ${value}`), {
      everyMs: 10,
    });
    await sleep(env, 50);
    table.set("a");
    await sleep(env, 10);
    table.set("b");
    table.set("c");
    await sleep(env, 100);
    deepEqual(seen, ["1: a", "3: c"]);
    stop();
    table.set("d");
    await sleep(env, 100);
    equal(seen.length, 2);
    reader.onChange(() => {}, { everyMs: 10 });
    reader.close();
    equal(env.alarms, 0);
    throws(() => reader.get(), { code: "UNAVAILABLE", executed: "no" });
  });

  test("who waits for changes goes on when the table is gone for a while", async (t) => {
    const path = join(folderOf(t), "x");
    const env = new VirtualEnv();
    const first = createTable<string>(path);
    using reader = openTable<string>(path, { env });
    const seen: string[] = [];
    reader.onChange((value) => void seen.push(value), { everyMs: 10 });
    first.close();
    createTable<string>(path, { valueBytesMax: 100 }).close();
    rmSync(path);
    await sleep(env, 50);
    using last = createTable<string>(path);
    last.set("a");
    await sleep(env, 50);
    deepEqual(seen, ["a"]);
  });

  test("readers beside a process that writes never see half of a value", soon, async (t) => {
    const path = join(folderOf(t), "x");
    const child = await startWriter(t, path, 20_000);
    let through = false;
    child.once("message", () => (through = true));
    using reader = openTable<number[]>(path);
    let last = 0;
    let reads = 0;
    do {
      for (let n = 0; n < 500; n++) {
        const value = reader.get();
        if (value === undefined) continue;
        const [first = 0] = value;
        ok(
          value.length === 1 + (first % 500) && value.every((each) => each === first),
          `${first} is torn`,
        );
        ok(first >= last, "it goes back");
        if (first > last) reads++;
        last = first;
      }
      await new Promise((resolve) => void setImmediate(resolve));
    } while (!through);
    equal(reader.get()![0], 20_000);
    ok(reads > 10, `${reads} values were read`);
  });

  test(
    "a writer that is killed leaves a whole value, and somebody else can go on",
    soon,
    async (t) => {
      const path = join(folderOf(t), "x");
      for (let round = 0; round < 3; round++) {
        const child = await startWriter(t, path, 1e9);
        using reader = openTable<number[]>(path);
        while ((reader.get()?.[0] ?? 0) < 50 * (round + 1))
          await new Promise((resolve) => void setImmediate(resolve));
        equal(reader.written, true);
        child.kill("SIGKILL");
        await once(child, "exit");
        equal(reader.written, false);
        const [first = 0, ...others] = reader.get()!;
        ok(others.every((each) => each === first));
        using next = createTable<number[]>(path);
        next.set([7]);
        deepEqual(reader.get(), [7]);
        equal(next.version, first + 1);
      }
    },
  );
});
