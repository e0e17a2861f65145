import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { sleep } from "../../base/alarm.ts";
import { realEnv } from "../../base/real-env.ts";
import type { Instance } from "../discovery.ts";
import { Hearing } from "../suite/stage.ts";
import { entryBytesMax, fileOf } from "./entry.ts";
import { defaultFolder, directory } from "./index.ts";
import { openFolder } from "./folder.ts";

const env = realEnv();
const user = process.getuid?.();

function fresh(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  context.after(() => rmSync(folder, { recursive: true }));
  return join(folder, "services");
}

function instance(id: string, bootId = "1"): Instance {
  return {
    id,
    bootId,
    contracts: ["orders@1"],
    addresses: ["unix:/run/x.sock"],
    state: "ready",
  };
}

/** A process that registers an instance and stays. */
async function registrant(
  context: TestContext,
  folder: string,
  id: string,
  ttlMs: number,
): Promise<ChildProcess> {
  const script = `
    const { directory } = await import(${JSON.stringify(import.meta.resolve("./index.ts"))});
    const { realEnv } = await import(${JSON.stringify(import.meta.resolve("../../base/real-env.ts"))});
    const onChange = (held) => console.log(held ? "held" : "lost");
    await directory(${JSON.stringify(folder)}).register(${JSON.stringify(instance(id))}, { ttlMs: ${ttlMs}, onChange }, realEnv());
    console.log("registered");`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  context.after(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  return child;
}

const limit = { timeout: 60_000 };

test(
  "a process that is killed is gone at once, long before its lease is over",
  limit,
  async (t) => {
    const folder = fresh(t);
    await using registry = directory(folder);
    const heard = new Hearing(registry, "orders", env);
    const child = await registrant(t, folder, "a", 3_600_000);
    await heard.ids("a");
    child.kill("SIGKILL");
    await heard.ids();
    deepEqual(readdirSync(folder), ["a.json"], "its file is left over");
    await registry.register(instance("b"), {}, env);
    deepEqual(readdirSync(folder), ["b.json"], "whoever registers clears it away");
  },
);

test(
  "a process that stands still loses its lease, and has a new one when it goes on",
  limit,
  async (t) => {
    const folder = fresh(t);
    await using registry = directory(folder);
    const heard = new Hearing(registry, "orders", env);
    const child = await registrant(t, folder, "a", 600);
    await heard.ids("a");
    child.kill("SIGSTOP");
    await heard.ids();
    const said = once(child.stdout!, "data");
    child.kill("SIGCONT");
    await heard.ids("a");
    match(String((await said)[0]), /lost/, "it notices that it stood still");
  },
);

test(
  "a process that stood still while another took its id does not take it back",
  limit,
  async (t) => {
    const folder = fresh(t);
    await using registry = directory(folder);
    const heard = new Hearing(registry, "orders", env);
    const child = await registrant(t, folder, "a", 600);
    await heard.ids("a");
    child.kill("SIGSTOP");
    await registry.register(instance("a", "2"), { ttlMs: 600 }, env);
    await heard.until(({ instances }) => instances[0]?.bootId === "2");
    await sleep(env, 700);
    const said = once(child.stdout!, "data");
    child.kill("SIGCONT");
    equal(String((await said)[0]), "lost\n");
    await sleep(env, 700);
    equal(heard.last!.instances[0]!.bootId, "2");
  },
);

test("the number of a process that was given to another one deceives nobody", limit, async (t) => {
  const folder = fresh(t);
  await using registry = directory(folder);
  await registry.register(instance("a"), { ttlMs: 3_600_000 }, env);
  const entry = JSON.parse(readFileSync(join(folder, "a.json"), "utf8")) as {
    owner: { started: string };
  };
  entry.owner.started = "1";
  writeFileSync(join(folder, "b.json"), JSON.stringify({ ...entry, instance: instance("b") }));
  const heard = new Hearing(registry, "orders", env);
  const { instances } = await heard.until(() => true);
  deepEqual(
    instances.map(({ id }) => id),
    ["a"],
  );
});

test(
  "a process of which nothing can be told from here is believed for as long as its lease",
  limit,
  async (t) => {
    const folder = fresh(t);
    await using registry = directory(folder);
    mkdirSync(folder, { mode: 0o700 });
    const owner = { pid: 4_000_000, started: "1", pids: "pid:[1]" };
    const path = join(folder, "a.json");
    writeFileSync(path, JSON.stringify({ instance: instance("a"), owner, ttlMs: 500 }));
    const heard = new Hearing(registry, "orders", env);
    await heard.ids("a");
    await heard.ids();
    const now = env.wall() / 1_000;
    utimesSync(path, now, now);
    await heard.ids("a");
  },
);

test(
  "nobody's clock on the wall can end what is renewed: a file from the future or the past is one that was touched",
  limit,
  async (t) => {
    const folder = fresh(t);
    await using registry = directory(folder);
    mkdirSync(folder, { mode: 0o700 });
    const owner = { pid: process.pid, started: "", pids: "pid:[1]" };
    const path = join(folder, "a.json");
    writeFileSync(path, JSON.stringify({ instance: instance("a"), owner, ttlMs: 3_000 }));
    const heard = new Hearing(registry, "orders", env);
    await heard.ids("a");
    for (const wall of [env.wall() + 86_400_000, env.wall() - 86_400_000]) {
      utimesSync(path, wall / 1_000, wall / 1_000);
      await sleep(env, 300);
    }
    equal(heard.snapshots.length, 1);
  },
);

test("pipes, links and folders under the name of an entry are left alone", limit, async (t) => {
  const folder = fresh(t);
  await using registry = directory(folder);
  await registry.register(instance("a"), {}, env);
  execFileSync("mkfifo", [join(folder, "pipe.json")]);
  symlinkSync(join(folder, "a.json"), join(folder, "link.json"));
  mkdirSync(join(folder, "folder.json"));
  writeFileSync(join(folder, "long.json"), " ".repeat(entryBytesMax + 1));
  const heard = new Hearing(registry, "orders", env);
  await heard.ids("a");
});

test("a change of which no event came is seen all the same", limit, async (t) => {
  const folder = fresh(t);
  await using registry = directory(folder);
  const heard = new Hearing(registry, "orders", env);
  await heard.ids();
  // A folder that is put in the place of the other one: events come from the one that is gone.
  rmSync(folder, { recursive: true });
  await using other = directory(folder);
  await other.register(instance("a"), {}, env);
  await heard.ids("a");
  await other.register(instance("b"), {}, env);
  await heard.ids("a", "b");
});

test(
  "as long as there is no folder it is unavailable, without a word in between",
  limit,
  async (t) => {
    const folder = fresh(t);
    await using registry = directory(folder);
    await registry.register(instance("a"), { ttlMs: 3_600_000 }, env);
    const heard = new Hearing(registry, "orders", env);
    await heard.ids("a");
    renameSync(folder, `${folder}.away`);
    writeFileSync(folder, "");
    await heard.until(({ status }) => status === "unavailable");
    const before = heard.snapshots.length;
    await sleep(env, 1_000);
    equal(heard.snapshots.length, before);
    rmSync(folder);
    renameSync(`${folder}.away`, folder);
    await heard.ids("a");
  },
);

test("the folder is made for its user alone, and its files too", limit, async (t) => {
  const folder = join(fresh(t), "deep/er");
  await using registry = directory(folder);
  await registry.register(instance("a"), {}, env);
  equal(statSync(folder).mode & 0o777, 0o700);
  equal(statSync(join(folder, "a.json")).mode & 0o777, 0o600);
});

test(
  "a folder in which everybody may write, or that belongs to another user, is refused",
  limit,
  async (t) => {
    const folder = fresh(t);
    mkdirSync(folder);
    chmodSync(folder, 0o777);
    await using open = directory(folder);
    const refusal = { code: "PERMISSION_DENIED", executed: "no" };
    await rejects(open.register(instance("a"), {}, env), refusal);
    const heard = new Hearing(open, "orders", env);
    const { status, problem } = await heard.until(() => true);
    equal(status, "unavailable");
    match(problem!, /everybody may write/);
    chmodSync(folder, 0o755);
    await rejects(openFolder(folder, user! + 1), refusal);
    await openFolder(folder, user);
    // Whoever owns the folder above can exchange it.
    await rejects(openFolder(join(folder, "x"), user! + 1), refusal);
  },
);

test("a path that is no folder, or cannot be one, is unavailable, in words", limit, async () => {
  await using registry = directory("/dev/null/services");
  await rejects(registry.register(instance("a"), {}, env), {
    code: "UNAVAILABLE",
    message: /\/dev\/null\/services cannot be used/,
  });
});

test("the folder of a user is where the system has such things", () => {
  equal(defaultFolder({ runtimeFolder: "/run/user/7", user: 7 }), "/run/user/7/trunkline/services");
  equal(defaultFolder({ runtimeFolder: undefined, user: 7 }), "/tmp/trunkline-7/services");
  equal(
    defaultFolder({ runtimeFolder: "relative", user: undefined }),
    "/tmp/trunkline-all/services",
  );
});

test("whatever an id is, its file has a name of its own inside the folder", () => {
  const ids = [
    "a",
    "../a",
    ".a",
    "a/b",
    "a_b",
    "ä",
    "x".repeat(1_000),
    `${"x".repeat(999)}y`,
    "a.json",
  ];
  const names = ids.map(fileOf);
  equal(new Set(names).size, ids.length);
  for (const name of names) match(name, /^[A-Za-z0-9_][A-Za-z0-9._~-]*\.json$/);
});
