import { deepEqual, equal, match, notEqual, throws } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { sleep } from "../base/alarm.ts";
import { hostId } from "../base/host-id.ts";
import { realEnv } from "../base/real-env.ts";
import { listed } from "./index.ts";
import type { Target } from "./target.ts";

const env = realEnv();
const idle = [process.execPath, "-e", "setInterval(() => {}, 1000)"];

/** A file of targets, and what is told of it. */
class Listing implements AsyncDisposable {
  readonly problems: string[] = [];
  readonly path: string;
  targets: readonly Target[] | undefined;
  readonly #folder = mkdtempSync(join(tmpdir(), "trunkline-listed-"));
  readonly #source;
  #waiting: (() => void)[] = [];

  constructor(content: unknown, stopMs = 5_000) {
    this.path = join(this.#folder, "services.json");
    this.write(content);
    this.#source = listed(this.path, { pollMs: 20, stopMs });
    const wake = (): void => {
      for (const look of this.#waiting.splice(0)) look();
    };
    this.#source.follow(
      (targets) => {
        this.targets = targets;
        wake();
      },
      (reason) => {
        this.problems.push(reason);
        wake();
      },
      env,
    );
  }

  write(content: unknown): void {
    writeFileSync(this.path, typeof content === "string" ? content : JSON.stringify(content));
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  close(): Promise<void> {
    return this.#source.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    rmSync(this.#folder, { recursive: true });
  }
}

function entry(id: string, more: object = {}): object {
  return { id, contracts: ["orders@1"], addresses: [`unix:/run/${id}.sock`], ...more };
}

const ids = ({ targets = [] }: Listing): string => targets.map(({ id }) => id).join();

test("a list names targets, and its changes are followed", { timeout: 30_000 }, async () => {
  await using list = new Listing({ instances: [entry("a", { check: "tcp", lane: "blue" })] });
  await list.until(() => ids(list) === "a");
  deepEqual(list.targets, [
    {
      id: "a",
      hostId: hostId(),
      contracts: ["orders@1"],
      addresses: ["unix:/run/a.sock"],
      check: "tcp",
      lane: "blue",
      bootId: "listed-a",
    },
  ]);
  list.write({ instances: [entry("a"), entry("b")] });
  await list.until(() => ids(list) === "a,b");
  list.write({ instances: [] });
  await list.until(() => ids(list) === "");
});

test("a list that cannot be read is refused with its reason, and what was there goes on", async () => {
  await using list = new Listing({ instances: [entry("a")] });
  await list.until(() => ids(list) === "a");
  for (const [content, reason] of [
    ["{", /not JSON/],
    [{}, /no list "instances"/],
    [{ instances: [entry("a", { adress: "x" })] }, /instances\[0\]\.adress: nobody expects that/],
    [{ instances: [entry("a", { addresses: ["nowhere"] })] }, /"nowhere" is not an address/],
    [{ instances: [entry("a", { check: "ping" })] }, /check is one of contract, tcp, none/],
    [{ instances: [entry("a", { pid: -1 })] }, /pid is not the number of a process/],
    [{ instances: [entry("a", { pid: 1, command: ["x"] })] }, /has a pid and a command/],
  ] as const) {
    list.problems.length = 0;
    list.write(content);
    await list.until(() => list.problems.some((each) => reason.test(each)));
    equal(ids(list), "a");
  }
});

test("a process that somebody else has started is there while it lives, and has a name for its life", async () => {
  const child = spawn(idle[0]!, idle.slice(1));
  await once(child, "spawn");
  await using list = new Listing({ instances: [entry("a", { pid: child.pid })] });
  await list.until(() => ids(list) === "a");
  match(list.targets![0]!.bootId, new RegExp(`-${child.pid}-\\d+$`));
  child.kill("SIGKILL");
  await list.until(() => ids(list) === "");
});

test("a program is started, is there while it runs, and is started again when it ends: another life", async () => {
  const dying = [process.execPath, "-e", "setTimeout(() => process.exit(3), 50)"];
  await using list = new Listing({ instances: [entry("a", { command: dying })] });
  await list.until(() => ids(list) === "a");
  const first = list.targets![0]!.bootId;
  await list.until(() => ids(list) === "");
  await list.until(() => list.problems.length > 0);
  match(list.problems[0]!, /^a: .* ended by code 3; it is started again in \d+ ms$/);
  await list.until(() => ids(list) === "a");
  notEqual(list.targets![0]!.bootId, first);
});

test("a program that is not there is a problem, and tried again", async () => {
  await using list = new Listing({ instances: [entry("a", { command: ["/no/such/program"] })] });
  await list.until(() => list.problems.length > 0);
  match(list.problems[0]!, /^a: spawn \/no\/such\/program ENOENT; it is started again/);
});

test("closing stops what was started, by force where it does not listen", async () => {
  const stubborn = `process.on("SIGTERM", () => {}); fs.writeFileSync(process.argv[1], String(process.pid)); setInterval(() => {}, 1000)`;
  const folder = mkdtempSync(join(tmpdir(), "trunkline-stubborn-"));
  const file = join(folder, "pid");
  const command = [process.execPath, "-e", stubborn, file];
  const content = { instances: [entry("a", { command }), entry("b", { command: idle })] };
  await using list = new Listing(content, 200);
  await list.until(() => ids(list) === "a,b");
  while (!existsSync(file) || readFileSync(file, "utf8") === "") await sleep(env, 5);
  const pid = Number(readFileSync(file, "utf8"));
  process.kill(pid, 0);
  await list.close();
  throws(() => process.kill(pid, 0), { code: "ESRCH" });
  rmSync(folder, { recursive: true });
});
