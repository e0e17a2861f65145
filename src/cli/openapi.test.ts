import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { serve } from "../call/serve.ts";
import { chassis } from "../chassis/chassis.ts";
import { call, contract } from "../contract/index.ts";
import { plainSchema } from "../contract/plain-schema.ts";
import { trial } from "./trial.ts";

// Inside the package, so that modules find `trunkline` by its name.
const cache = join(import.meta.dirname, "../../.cache");
mkdirSync(cache, { recursive: true });
const folder = mkdtempSync(join(cache, "openapi-cli-"));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const orders = file(
  "orders.ts",
  `import { call, contract } from "trunkline";
  import { bindRest } from "trunkline/protocol/rest";
  import * as z from "zod";
  export const Orders = contract("orders", { version: "1.0.0" }, {
    get: call({ in: z.string(), out: z.object({ id: z.string() }), idempotent: true }),
    drop: call({ in: z.string() }),
  });
  export const binding = bindRest(Orders, { base: "/api", routes: { drop: "GET /orders/{orderId}/drop" } });`,
);

interface Told {
  readonly info: object;
  readonly servers: object;
  readonly paths: object;
}

suite("openapi", () => {
  test("prints the document of a module, its bindings included", async () => {
    const words = [
      "openapi",
      orders,
      "--title",
      "Shop",
      "--server",
      "https://a.example",
      "--versions",
      "none",
    ];
    const { code, out } = await trial(words);
    const { info, servers, paths } = JSON.parse(out) as Told;
    equal(code, 0);
    deepEqual(info, { title: "Shop", version: "1.0.0" });
    deepEqual(servers, [{ url: "https://a.example" }]);
    deepEqual(Object.keys(paths), ["/api/orders/{orderId}", "/api/orders/{orderId}/drop"]);
  });

  test("asks a running process, whatever it speaks", async () => {
    const Stock = contract(
      "stock",
      { version: "3.0.0" },
      { count: call({ out: plainSchema<number>({ type: "number" }) }) },
    );
    const address = `unix:${folder}/stock.sock`;
    await using _ = await chassis({
      name: "stock",
      listen: address,
      signals: false,
      serve: [serve(Stock, { count: () => 5 })],
    });
    const { paths } = JSON.parse((await trial(["openapi", address])).out) as Told;
    deepEqual(Object.keys(paths), ["/v3/stock/count"]);
  });

  test("tells what is wrong with its words", async () => {
    const cases: [string[], RegExp][] = [
      [["openapi"], /CONTRACT-MODULE or ADDRESS is missing/],
      [["openapi", join(folder, "absent.ts")], /there is no file/],
      [["openapi", orders, "--versions", "query"], /takes uri, media-type or none/],
      [["openapi", orders, "--out", join(folder, "no/where.json")], /cannot be written/],
    ];
    for (const [words, told] of cases) {
      const { code, err } = await trial(words);
      equal(code, 2);
      match(err, told);
    }
  });
});

suite("import openapi", () => {
  const paths = {
    "/a": { get: { operationId: "a", responses: {} } },
    "/b": {
      get: {
        parameters: [{ name: "c", in: "cookie", required: true, schema: {} }],
        responses: {},
      },
    },
  };
  const document = file(
    "document.json",
    JSON.stringify({ openapi: "3.1.0", info: { title: "T", version: "1" }, paths }),
  );

  test("writes the module, and tells what is left out", async () => {
    const out = join(folder, "made.ts");
    const { code, err } = await trial([
      "import",
      "openapi",
      document,
      "--out",
      out,
      "--name",
      "mine",
    ]);
    equal(code, 0);
    match(err, /^note GET \/b: is left out: "c": parameters in cookie are not written$/m);
    ok(readFileSync(out, "utf8").includes('export const Mine = contract("mine"'));
    const told = await trial(["import", "openapi", document, "--out", out, "--json"]);
    const { operations, warnings } = JSON.parse(told.out) as Record<string, unknown>;
    deepEqual([told.err, operations, (warnings as string[]).length], ["", 1, 1]);
  });

  test("tells what is wrong with its file", async () => {
    const cases: [string[], RegExp][] = [
      [["import", "openapi", join(folder, "absent.json")], /cannot be read/],
      [
        ["import", "openapi", file("a.yaml", "openapi: 3.1.0\n")],
        /not JSON; if it is YAML, convert/,
      ],
      [["import", "openapi", document, "--name", "No Name"], /--name takes a contract's name/],
    ];
    for (const [words, told] of cases) {
      const { code, err } = await trial(words);
      equal(code, 2);
      match(err, told);
    }
  });
});

suite("lint", () => {
  test("ends with 8 where something is as severe as it is told to mind", async () => {
    const { code, out } = await trial(["lint", orders]);
    equal(code, 8);
    match(
      out,
      /^error orders\.drop \(GET \/api\/orders\/\{orderId\}\/drop\)\n {2}GET is repeated/m,
    );
    match(out, /\n1 error, 1 warning, 3 of advice\n$/);
    equal((await trial(["lint", orders, "--fail-on", "never"])).code, 0);
    const off = ["--off", "get-is-idempotent"];
    equal((await trial(["lint", orders, ...off])).code, 0);
    equal((await trial(["lint", orders, ...off, "--fail-on", "warning"])).code, 8);
  });

  test("tells programs one finding in each line", async () => {
    const { code, out } = await trial(["lint", orders, "--json"]);
    const lines = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    equal(code, 8);
    deepEqual(lines.at(-1), { ok: false, error: 1, warning: 1, info: 3 });
    deepEqual(Object.keys(lines[0]!["finding"] as object), [
      "rule",
      "severity",
      "where",
      "what",
      "advice",
    ]);
  });

  test("lists its rules, and knows no others", async () => {
    match((await trial(["lint", "--rules"])).out, /^values-survive-json +error +payloads/m);
    const unknown = await trial(["lint", orders, "--off", "path-is-noun"]);
    deepEqual([unknown.code, /did you mean path-is-nouns/.test(unknown.err)], [2, true]);
    match(
      (await trial(["lint", orders, "--fail-on", "all"])).err,
      /takes error, warning, info or never/,
    );
  });

  test("finds values that JSON does not carry", async () => {
    const dated = file(
      "dated.ts",
      `import { call, contract } from "trunkline";
      import * as z from "zod";
      export const Dated = contract("dates", { version: "1.0.0" }, { add: call({ in: z.object({ id: z.string(), at: z.date() }) }) });`,
    );
    const { code, out } = await trial(["lint", dated]);
    deepEqual([code, /^error dates\.add in\n {2}at is a Date/m.test(out)], [8, true]);
  });
});
