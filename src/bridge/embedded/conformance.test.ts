import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { realEnv } from "../../base/real-env.ts";
import { brokerCases } from "../../broker/suite.ts";
import type { BrokerStand } from "../../broker/suite.ts";
import { engine } from "./engine.ts";
import { file } from "./file.ts";
import { FileBroker } from "./file-broker.ts";
import { Folder } from "./folder.ts";

const { capabilities } = file();
const env = realEnv();

/** A folder of its own; `each`: every user is a process of its own, which finds the folder owned. */
async function stand(each: boolean): Promise<BrokerStand> {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "trunkline-file-")));
  const given = { folder: path, pid: 1, waitMs: 10_000, openEngine: engine({}) };
  const process = (handOverMs: number): Folder =>
    new Folder({ ...given, name: "suite", handOverMs }, env);
  const users: FileBroker[] = [];
  const enter = (folder: Folder, name: string): Promise<FileBroker> =>
    FileBroker.open(folder, { name, waitMs: 10_000 }, env);
  const first = process(0);
  let owner = await enter(first, "owner");
  return {
    prefix: "suite",
    open: async (name) => {
      const user = await enter(each ? process(0) : first, name);
      users.push(user);
      return user;
    },
    // Nobody is given time to come to rest: all find their connection lost, and one of them is the next owner.
    cut: async () => {
      const before = owner;
      await before.close();
      owner = await enter(process(0), "owner");
    },
    close: async () => {
      await Promise.all(users.map((user) => user.close()));
      await owner.close();
      rmSync(path, { recursive: true });
    },
  };
}

suite("a folder, used by guests of its owner", () => {
  const subject = { capabilities, env: () => env, stand: () => stand(true) };
  for (const { name, run } of brokerCases(subject, ["cut"]))
    void test(name, { timeout: 60_000 }, run);
});

suite("a folder, used by its owner", () => {
  const subject = { capabilities, env: () => env, stand: () => stand(false) };
  for (const { name, run } of brokerCases(subject)) void test(name, { timeout: 60_000 }, run);
});
