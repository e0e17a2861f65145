import { deepEqual, equal, match } from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { serve } from "../call/serve.ts";
import { chassis } from "../chassis/chassis.ts";
import { bytes, call, contract, describe, type AnyContract } from "../contract/index.ts";
import { plainSchema } from "../contract/plain-schema.ts";
import { trial } from "./trial.ts";

const folder = mkdtempSync(join(tmpdir(), "trunkline-contract-"));
after(() => rmSync(folder, { recursive: true }));
let files = 0;

/** A file with the descriptions of contracts, as a lock file has them. */
function described(...contracts: readonly AnyContract[]): string {
  const path = join(folder, `${++files}.json`);
  writeFileSync(path, JSON.stringify({ contracts: contracts.map((each) => describe(each)) }));
  return path;
}

const text = plainSchema<string>({ type: "string" });
const number = plainSchema<number>({ type: "number" });
const One = contract("orders", { version: "1.0.0" }, { get: call({ in: text }) });
const More = contract("orders", { version: "1.1.0" }, { get: call({ in: text }), put: call({}) });
const Other = contract("orders", { version: "1.1.0" }, { get: call({ in: number }) });
const Two = contract("orders", { version: "2.0.0" }, { get: call({ in: number }) });
const Stock = contract("stock", { version: "1.0.0" }, { get: call({ in: bytes() }) });
const dim = contract(
  "dim",
  { version: "1.0.0" },
  { get: call({ in: plainSchema({ $comment: "not told" }) }) },
);

test("diff ends with 0 where the version says what has changed, and with 8 where it does not", async () => {
  const [one, other] = [described(One), described(Other)];
  equal((await trial(["contract", "diff", one, one])).code, 0);
  equal((await trial(["contract", "diff", one, described(More)])).code, 0);
  equal((await trial(["contract", "diff", one, described(Two)])).code, 0);
  const { code, out, err } = await trial(["contract", "diff", one, other]);
  deepEqual([code, err], [8, ""]);
  equal(
    out,
    `orders 1.0.0 → 1.1.0  does not fit: major is needed, minor is declared
  operation  where  what                   old → new  new → old
  get        in     was string, is number  breaks     breaks
`,
  );
  const told = JSON.parse((await trial(["contract", "diff", one, other, "--json"])).out);
  const [{ advised, declared, findings }] = told.contracts;
  deepEqual([told.ok, advised, declared], [false, "major", "minor"]);
  deepEqual(findings, [
    {
      operation: "get",
      where: "in",
      change: "was string, is number",
      oldClientNewServer: "breaks",
      newClientOldServer: "breaks",
    },
  ]);
});

test("several versions are compared each with its own, and what is gone is told", async () => {
  const both = described(One, Two);
  equal((await trial(["contract", "diff", both, both])).code, 0);
  const added = await trial(["contract", "diff", described(One), described(One, Two)]);
  deepEqual([added.code, added.out.match(/^orders.*$/gm)?.length], [0, 2]);
  const gone = await trial(["contract", "diff", described(One, Two, Stock), described(Two)]);
  equal(gone.code, 8);
  match(gone.out, /^orders 1\.0\.0 {2}was removed$/m);
  match(gone.out, /^stock 1\.0\.0 {2}was removed$/m);
});

test("what cannot be judged passes only where somebody lets it", async () => {
  const path = described(dim);
  const strict = await trial(["contract", "diff", path, path]);
  equal(strict.code, 8);
  match(strict.out, /get +in +cannot be compared whole: not told +unknown +unknown/);
  equal((await trial(["contract", "diff", path, path, "--lenient"])).code, 0);
});

test("a running process is compared by what it says of itself", async () => {
  await using _app = await chassis({
    name: "shop",
    listen: "memory:cli-contract",
    signals: false,
    serve: [serve(One, { get: () => {} })],
  });
  const { code, out } = await trial(["contract", "diff", "memory:cli-contract", described(More)]);
  equal(code, 0);
  match(out, /^ {2}put +operation +was added +ok +breaks$/m);
});

test("lock writes what a module says, and --check tells whether that is still so", async () => {
  const [module, lock] = [join(folder, "orders.contract.ts"), join(folder, "lock.json")];
  const written = (version: string): void =>
    writeFileSync(
      module,
      `import { call, contract } from ${JSON.stringify(new URL("../index.ts", import.meta.url).href)};
export const Orders = contract("orders", { version: "${version}" }, { get: call() });`,
    );
  written("1.0.0");
  const words = ["contract", "lock", module, "--out", lock];
  equal((await trial([...words, "--check"])).code, 8);
  deepEqual(await trial(words), { code: 0, out: `${lock} is written\n`, err: "" });
  equal((await trial([...words, "--check"])).code, 0);
  const { contracts } = JSON.parse(readFileSync(lock, "utf8"));
  equal(contracts[0].version, "1.0.0");
  const kept = readFileSync(lock, "utf8");
  writeFileSync(lock, kept.replace("1.0.0", "0.9.0"));
  equal(
    (await trial([...words, "--check", "--json"])).out,
    `{"ok":false,"file":"${lock}","changed":true}\n`,
  );
  equal((await trial(["contract", "diff", lock, module])).code, 0);
});

test("schema prints a document for each contract, or the one that is named", async () => {
  const path = described(One, Stock);
  const { out } = await trial(["contract", "schema", path, "orders"]);
  deepEqual(Object.keys(JSON.parse(out).$defs), ["get.in"]);
  const lines = (await trial(["contract", "schema", path, "--json"])).out.trim().split("\n");
  deepEqual(
    lines.map((line) => JSON.parse(line).title),
    ["orders", "stock"],
  );
});

test("what the words name must be there", async () => {
  const one = described(One);
  const broken = join(folder, "broken.json");
  writeFileSync(broken, "{");
  const empty = join(folder, "empty.json");
  writeFileSync(empty, "{}");
  for (const [words, told] of [
    [["dif", one, one], /contract cannot "dif"; did you mean diff\?/],
    [["diff", one], /NEW is missing/],
    [["diff", one, join(folder, "none.ts")], /there is no file .*none\.ts/],
    [["diff", one, broken], /broken\.json cannot be read/],
    [["diff", one, empty], /empty\.json describes no contracts/],
    [["diff", one, one, "--format", "yaml"], /--format takes one of json/],
    [["schema", one, "order"], /there is no contract order; did you mean orders\?/],
  ] as const) {
    const { code, err } = await trial(["contract", ...words]);
    equal(code, 2, err);
    match(err, told);
  }
});
