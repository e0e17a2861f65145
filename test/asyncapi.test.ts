// AsyncAPI as users see it: the documents of all contracts of examples and demo by the official parser, and modules made from documents.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { after, suite, test } from "node:test";
import { pathToFileURL } from "node:url";
import { Parser } from "@asyncapi/parser";
import { describe, info, type AnyContract } from "trunkline";
import { asyncApi } from "trunkline/asyncapi";
import { fromSource } from "./program.ts";

const root = join(import.meta.dirname, "..");
mkdirSync(join(root, ".cache"), { recursive: true });
const folder = mkdtempSync(join(root, ".cache", "asyncapi-"));
after(() => rmSync(folder, { recursive: true }));

/** The files that declare contracts and do nothing else. */
const modules: readonly string[] = [
  ...readdirSync(join(root, "demo/contracts")).map((file) => join(root, "demo/contracts", file)),
  ...readdirSync(join(root, "examples"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".contract.ts"))
    .map((file) => join(root, "examples", file)),
];

suite("the official parser finds nothing to say of the messages of", () => {
  for (const module of modules)
    test(basename(module), async () => {
      const exported = (await import(pathToFileURL(module).href)) as Record<string, unknown>;
      const contracts = Object.values(exported).filter(isContract);
      const document = asyncApi(contracts, { servers: { main: "amqp://r", other: "kafka://k" } });
      const messages = contracts.flatMap((each) =>
        Object.values(describe(each).operations).filter(({ delivery }) => delivery !== undefined),
      );
      equal(Object.keys(document.operations).length, messages.length);
      deepEqual(await problems(JSON.stringify(document)), []);
    });
});

function isContract(value: unknown): value is AnyContract {
  return typeof value === "object" && value !== null && Object.hasOwn(value, info);
}

/** What the official parser has against a document, the advice to use a newer version of AsyncAPI excepted. */
async function problems(text: string): Promise<string[]> {
  const { diagnostics } = await new Parser().parse(text);
  return diagnostics
    .filter(({ code }) => code !== "asyncapi-latest-version")
    .map(({ message, path }) => `${path.join("/")}: ${message}`);
}

function trunkline(...words: string[]) {
  const main = join(root, "src/cli/main.ts");
  const args = [...fromSource, main, ...words];
  return spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8", timeout: 60_000 });
}

suite("trunkline", () => {
  test("makes a module of somebody's document that compiles, and of that a document again", async () => {
    const made = trunkline(
      "import",
      "asyncapi",
      join(root, "test/asyncapi/rpc-server.json"),
      "--out",
      "sums.contract.ts",
    );
    equal(made.status, 0, made.stderr);
    match(made.stderr, /^note .*"\{queue\}" is no name of a channel/m);
    const back = trunkline("asyncapi", "sums.contract.ts", "--server", "main=amqp://u:p@r/shop");
    equal(back.status, 0, back.stderr);
    deepEqual(await problems(back.stdout), []);
    match(back.stdout, /"address": "rpc_queue"/);
    ok(!back.stdout.includes("u:p"));
    const tsc = join(root, "node_modules/.bin/tsc");
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ extends: join(root, "tsconfig.json"), include: ["*.ts"] }),
    );
    const compiled = spawnSync(tsc, ["--noEmit", "-p", folder], { encoding: "utf8" });
    equal(compiled.stdout, "");
    equal(compiled.status, 0);
  });

  test("says what a server looks like, and shows no password", () => {
    const module = join(folder, "orders.ts");
    writeFileSync(
      module,
      `import { contract, event } from "trunkline";
      export const Orders = contract("orders", { version: "1.0.0" }, { placed: event() });`,
    );
    const { status, stderr } = trunkline("asyncapi", module, "--server", "amqp://u:s3cret@r");
    equal(status, 2);
    match(stderr, /--server takes a name and an address/);
    ok(!stderr.includes("s3cret"));
    const written = trunkline("asyncapi", module, "--out", "orders.json", "--json");
    deepEqual(JSON.parse(written.stdout), { ok: true, out: "orders.json", operations: 1 });
    const text = readFileSync(join(folder, "orders.json"), "utf8");
    deepEqual(Object.keys((JSON.parse(text) as { channels: object }).channels), ["orders.placed"]);
  });
});
