import { deepEqual, equal, match } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";

import { addon, addonProblem } from "./addon.ts";
import { noAddon, os } from "./testing/lab.ts";

/** A folder in which src/os/addon.ts looks for an addon and finds none yet. */
function elsewhere(t: TestContext): { readonly built: string; told(...flags: string[]): string } {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const module = join(folder, "src/os/addon.ts");
  mkdirSync(join(folder, "src/os"), { recursive: true });
  mkdirSync(join(folder, "native/build"), { recursive: true });
  writeFileSync(join(folder, "package.json"), `{ "type": "module" }`);
  copyFileSync(join(import.meta.dirname, "addon.ts"), module);
  return {
    built: join(folder, "native/build/trunkline.node"),
    told(...flags) {
      const text = `const { addon, addonProblem } = await import(${JSON.stringify(module)});
        console.log(addon() === undefined, addonProblem());`;
      const args = [...flags, "--input-type=module", "--eval", text];
      const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
      return stdout === "" ? stderr : stdout;
    },
  };
}

suite("the addon", () => {
  test("is there, or it is said why not, and it is the same one each time", () => {
    equal(addon() === undefined, addonProblem() !== undefined);
    equal(addon(), addon());
  });

  test("has what its type says and nothing else", { skip: noAddon }, () => {
    const functions = Object.entries(os).filter(([, value]) => typeof value === "function");
    deepEqual(
      functions.map(([name]) => name).toSorted(),
      [
        ...["memoryCreate", "memorySeal", "memorySeals", "memoryBytes", "memoryMap", "memoryLetGo"],
        ...[
          "memoryCopy",
          "memoryTakeBack",
          "memoryRoom",
          "memoryMove",
          "memoryHuge",
          "memoryPress",
        ],
        ...["bellCreate", "isBell", "bellRing", "descriptorCopy", "descriptorClose"],
        ...["fileLock", "fileLocked", "fileUnlock", "byteLock", "byteUnlock", "fifoCreate"],
        ...["watchStart", "watchStop", "watchEvents", "watchHold"],
        ...["socketOpen", "socketPair", "socketBind", "socketConnect", "socketListen"],
        ...["socketAccept", "socketEnd", "socketRoom", "socketPeer", "socketSend", "socketReceive"],
        ...["socketReceiveFrom", "socketTellSenders"],
        ...["queueOpen", "queueRemove", "queueAbout", "queueSend", "queueReceive"],
        ...["signalSend", "signalHear", "signalDeafen"],
      ].toSorted(),
    );
    for (const [name, value] of functions) {
      // None may take what is missing for a 0.
      let told: unknown = "nothing";
      if (value.length === 0 && name !== "bellCreate" && name !== "memoryHuge") {
        try {
          (value as () => unknown)();
        } catch (error) {
          told = error;
        }
        equal(told instanceof TypeError, true, name);
      }
    }
  });

  test("that did not come with the package is a problem and no failure", (t) => {
    match(elsewhere(t).told(), /^true no addon for \w+-\w+ came with the package$/m);
  });

  test("that cannot be loaded is a problem and no failure", (t) => {
    const { built, told } = elsewhere(t);
    writeFileSync(built, "this is no library");
    match(told(), /^true .*trunkline\.node/);
  });

  test("that Node may not load is a problem and no failure", (t) => {
    const { built, told } = elsewhere(t);
    writeFileSync(built, "it is not even looked at");
    for (const flags of [["--no-addons"], ["--permission", "--allow-fs-read=*"]])
      match(told(...flags), /^true Cannot load native addon because loading addons is disabled/);
  });
});
