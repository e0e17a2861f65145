import { deepEqual, equal, ok } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs, {
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";

import type { Env } from "../../base/env.ts";
import { realEnv } from "../../base/real-env.ts";
import { Claimant, staleMs } from "./claimant.ts";

/** How this Node was started, where it runs tests itself too. */
const asThis = process.execArgv.filter((each) => !each.startsWith("--test"));

interface Place {
  readonly folder: string;
  readonly claim: string;
  pass(ms: number): void;
  enter(): Promise<Claimant>;
}

function place(t: TestContext): Place {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  t.after(() => rmSync(folder, { recursive: true }));
  let ms = 0;
  // By this clock others are taken for gone; nobody's file is touched by it.
  const env: Env = Object.create(realEnv(), {
    now: { value: () => ms },
    set: { value: () => {} },
    clear: { value: () => {} },
  });
  const enter = async (): Promise<Claimant> => {
    const claimant = await Claimant.enter(folder, "test", env);
    t.after(() => claimant.leave());
    return claimant;
  };
  return { folder, claim: join(folder, "claim"), pass: (more) => (ms += more), enter };
}

/** What a claimant says of himself, changed. */
function pretend({ folder, claim }: Place, { path }: Claimant, changes: object): string {
  const own = JSON.parse(readFileSync(path, "utf8")) as object;
  const other = join(folder, "other");
  writeFileSync(other, JSON.stringify({ ...own, id: "other", ...changes }));
  linkSync(other, claim);
  return other;
}

test("of two claimants one has it, until he gives it back", async (t) => {
  const { claim, enter } = place(t);
  const [one, other] = [await enter(), await enter()];
  equal(await one.claim(claim, "held"), true);
  equal(await other.claim(claim, "held"), false);
  equal(await other.has(claim), false);
  await other.release(claim);
  equal(await one.has(claim), true);
  await one.release(claim);
  equal(await other.claim(claim, "held"), true);
});

test("of many who find what a dead process claimed one has it, also when he died taking it from another", async (t) => {
  const { folder, claim, enter } = place(t);
  const url = JSON.stringify(pathToFileURL(join(import.meta.dirname, "claimant.ts")).href);
  const base = JSON.stringify(
    pathToFileURL(join(import.meta.dirname, "../../base/real-env.ts")).href,
  );
  const program = `
    process.stdin.resume().once("close", () => process.exit());
    const { Claimant } = await import(${url});
    const { realEnv } = await import(${base});
    const [, folder, ...claims] = process.argv;
    const claimant = await Claimant.enter(folder, "child", realEnv());
    for (const each of claims) await claimant.claim(each, "held");
    console.log("has them");
  `;
  const claims = [claim, `${claim}.break`, `${claim}.break.break`];
  const args = [...asThis, "--input-type=module", "-e", program, folder, ...claims];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  const all = await Promise.all([enter(), enter(), enter(), enter(), enter()]);
  equal(await all[0].claim(claim, "held"), false);
  child.kill("SIGKILL");
  await once(child, "exit");
  const tried = await Promise.all(all.map((each) => each.claim(claim, "held")));
  // Those who come to one who is just taking it over get nothing, and come again.
  ok(tried.filter((each) => each).length <= 1);
  let had = 0;
  for (const each of all) if ((await each.has(claim)) || (await each.claim(claim, "held"))) had++;
  equal(had, 1);
  for (const name of readdirSync(folder)) ok(!name.endsWith(".break"), name);
});

test("who was taken for dead and is not claims on", async (t) => {
  const { claim, enter } = place(t);
  const [one, other] = [await enter(), await enter()];
  rmSync(one.path);
  equal(await one.claim(claim, "held"), true);
  equal(await other.claim(claim, "held"), false);
  equal(await one.has(claim), true);
  await one.release(claim);
  equal(await other.claim(claim, "held"), true);
});

test("who is slow in taking over what is stale does not take it from who was faster", async (t) => {
  const where = place(t);
  const { claim, enter } = where;
  const [slow, fast] = [await enter(), await enter()];
  pretend(where, slow, { started: "1" });
  const { link } = fs.promises;
  const restore = (): void => {
    fs.promises.link = link;
    syncBuiltinESMExports();
  };
  t.after(restore);
  // The slow one has looked, and is about to claim that it takes over.
  fs.promises.link = async (from, to) => {
    if (to !== `${claim}.break`) return link(from, to);
    restore();
    equal(await fast.claim(claim, "held"), true);
    return link(from, to);
  };
  syncBuiltinESMExports();
  equal(await slow.claim(claim, "held"), false);
  equal(await fast.has(claim), true);
});

test("a later process with the number of a dead one has claimed nothing", async (t) => {
  const where = place(t);
  const claimant = await where.enter();
  pretend(where, claimant, { started: "1" });
  equal(await claimant.claim(where.claim, "held"), true);
});

test("who is of another host, or of an earlier start of this one, is gone when he has not shown for a time that he lives", async (t) => {
  const where = place(t);
  const claimant = await where.enter();
  const other = pretend(where, claimant, { host: "elsewhere", started: "1" });
  equal(await claimant.claim(where.claim, "held"), false);
  where.pass(staleMs - 1);
  equal(await claimant.claim(where.claim, "held"), false);
  utimesSync(other, 1, 1);
  where.pass(1);
  equal(await claimant.claim(where.claim, "held"), false);
  where.pass(staleMs);
  equal(await claimant.claim(where.claim, "held"), true);
});

test("who lives and stands still loses what is leased, and never what is held", async (t) => {
  const { claim, folder, pass, enter } = place(t);
  const [one, other] = [await enter(), await enter()];
  const lease = join(folder, "lease");
  for (const each of [claim, lease]) await one.claim(each, "held");
  equal(await other.claim(claim, "held"), false);
  equal(await other.claim(lease, "leased"), false);
  pass(10 * staleMs);
  equal(await other.claim(claim, "held"), false);
  equal(await other.claim(lease, "leased"), true);
  equal(await one.has(lease), false);
});

test("who is seen by one of his files to be gone has lost the others too", async (t) => {
  const { claim, folder, pass, enter } = place(t);
  const [one, other] = [await enter(), await enter()];
  await one.claim(claim, "leased");
  deepEqual(await other.others(folder), [one.id]);
  pass(staleMs);
  deepEqual(await other.others(folder), []);
  equal(await other.claim(claim, "leased"), true);
});

test("a file that says nothing, as a process leaves it that dies where there are no links, is taken over in time", async (t) => {
  const { claim, pass, enter } = place(t);
  const claimant = await enter();
  writeFileSync(claim, "");
  equal(await claimant.claim(claim, "held"), false);
  pass(staleMs);
  equal(await claimant.claim(claim, "held"), true);
});
