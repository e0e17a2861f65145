import { deepEqual, match, rejects } from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { info } from "../contract/contract.ts";
import { UsageError } from "./command.ts";
import { loadContracts } from "./contract-module.ts";

const cache = join(import.meta.dirname, "../../.cache");
mkdirSync(cache, { recursive: true });
const folder = mkdtempSync(join(cache, "contracts-"));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

test("a module's contracts are found, alone and in lists, each once", async () => {
  const path = file(
    "orders.ts",
    `import { call, contract } from "trunkline";
    export const Orders = contract("orders", { version: "1.0.0" }, { get: call() });
    const Old = contract("orders", { version: "0.1.0" } as const, { get: call() });
    export const all: unknown[] = [Old, Orders];
    export const other = { contract: Orders };`,
  );
  const { contracts, exported } = await loadContracts(path);
  deepEqual(contracts.map((each) => each[info].version).toSorted(), ["0.1.0", "1.0.0"]);
  deepEqual(Object.keys(exported).toSorted(), ["Orders", "all", "other"]);
});

const refused: readonly (readonly [name: string, text: string | undefined, told: RegExp])[] = [
  ["absent.ts", undefined, /there is no file .*absent\.ts: name a module/],
  ["readme.md", "x", /readme\.md is no module: its name has to end in \.ts/],
  ["empty.ts", "", /empty\.ts exports nothing, and no contract/],
  ["five.ts", "export const five = 5;", /exports five, and no contract/],
  ["broken.ts", "export const = 5;", /broken\.ts cannot be loaded: /],
  ["throws.ts", "throw new Error('not today');", /cannot be loaded: not today/],
  ["enum.ts", "export enum Colour { Red }", /no enum, no namespace/],
  ["lost.ts", "import './nowhere.ts';", /cannot be loaded: Cannot find module/],
];
for (const [name, text, told] of refused) {
  test(`${name} is refused with a reason`, async () => {
    const path = text === undefined ? join(folder, name) : file(name, text);
    await rejects(loadContracts(path), (error) => {
      match((error as Error).message, told);
      return error instanceof UsageError;
    });
  });
}
