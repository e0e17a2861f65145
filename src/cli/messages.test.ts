// What the commands make of a contract that has messages beside its calls.
import { deepEqual, equal, match } from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { trial } from "./trial.ts";

// Inside the package, so that modules find `trunkline` by its name.
const cache = join(import.meta.dirname, "../../.cache");
mkdirSync(cache, { recursive: true });
const folder = mkdtempSync(join(cache, "messages-cli-"));
after(() => rmSync(folder, { recursive: true }));

function module(name: string, delivery: string): string {
  const path = join(folder, name);
  writeFileSync(
    path,
    `import { call, command, contract, document, event, gather } from "trunkline/contract";
    import * as z from "zod";
    const Order = z.object({ id: z.string() });
    export const Orders = contract("orders", { version: "1.0.0" }, {
      get: call({ in: z.string(), out: Order, idempotent: true }),
      placed: event({ data: Order, key: "id", delivery: "${delivery}" }),
      ship: command({ in: Order, out: z.string() }),
      plan: document({ data: Order }),
      quote: gather({ in: Order, out: z.number() }),
    });`,
  );
  return path;
}

const orders = module("orders.ts", "at-least-once");
const weaker = module("weaker.ts", "at-most-once");
const left = "Not here, because it travels as a message: placed, ship, plan, quote.";

interface Document {
  readonly paths: object;
  readonly tags: readonly { readonly description: string }[];
}

suite("a contract with messages", () => {
  test("has only what travels directly in its OpenAPI document, which says what is left out", async () => {
    const { code, out } = await trial(["openapi", orders]);
    equal(code, 0);
    const { paths, tags } = JSON.parse(out) as Document;
    deepEqual(Object.keys(paths), ["/v1/orders/{orderId}"]);
    equal(tags[0]!.description, `The contract orders 1.0.0. ${left}`);
  });

  test("has only what travels directly in its .proto file, which says what is left out", async () => {
    const { code, out, err } = await trial([
      "proto",
      orders,
      "--lock",
      join(folder, "proto.lock.json"),
    ]);
    equal(code, 0, err);
    match(out, new RegExp(`^// The contract orders 1\\.0\\.0\\. ${left.replace(".", "\\.")}\n`));
    deepEqual(out.match(/rpc \w+/g), ["rpc Get"]);
  });

  test("is asked by the rules of REST for what has a place there", async () => {
    const { code, out } = await trial(["lint", orders, "--json"]);
    equal(code, 0);
    deepEqual(
      out.split("\n").filter((text) => /placed|ship|plan|quote/.test(text)),
      [],
    );
  });

  for (const format of ["json", "avro", "protobuf"])
    test(`is compared whole, in ${format} too`, async () => {
      const { code, out } = await trial([
        "contract",
        "diff",
        orders,
        weaker,
        "--format",
        format,
        "--json",
      ]);
      equal(code, 8);
      match(out, /"operation":"placed","where":"delivery"/);
      match(out, /"change":"was at-least-once, is at-most-once"/);
    });
});
