import { deepEqual, equal, match } from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { pathToFileURL } from "node:url";
import { info, type AnyContract } from "../contract/contract.ts";
import { trial } from "./trial.ts";

// Below the repository, so that the modules find `trunkline`.
const cache = join(import.meta.dirname, "../../.cache");
mkdirSync(cache, { recursive: true });

const orders = (fields: string): string => `import { call, contract } from "trunkline";
import * as z from "zod";
export const Orders = contract("orders", { version: "1.0.0" }, {
  place: call({ in: z.object({ ${fields} }), description: "Makes an order." }),
});
`;

suite("trunkline proto", () => {
  test("prints the file of a contract, and writes the lock", async () => {
    using folder = new Folder();
    const module = folder.file("orders.ts", orders("item: z.string()"));
    const { code, out, err } = await trial(["proto", module, "--lock", folder.path("lock.json")]);
    equal(code, 0, err);
    match(out, /\/\/ Makes an order.\n {2}rpc Place\(PlaceRequest\) returns \(PlaceResponse\);/);
    match(out, /message PlaceRequest {\n {2}string item = 1;\n}/);
    deepEqual(JSON.parse(folder.text("lock.json")), {
      contracts: {
        "orders@1": {
          messages: { PlaceRequest: { numbers: { item: 1 } } },
          enums: {},
        },
      },
    });
  });

  test("keeps numbers from one build to the next, and says when they would change", async () => {
    using folder = new Folder();
    const common = ["--out", folder.path("protos"), "--lock", folder.path("lock.json")];
    const first = folder.file("one.ts", orders("item: z.string(), note: z.string()"));
    equal((await trial(["proto", first, ...common])).code, 0);
    equal((await trial(["proto", first, ...common, "--check"])).code, 0);

    const second = folder.file("two.ts", orders("id: z.string(), item: z.string()"));
    const { code, out } = await trial(["proto", second, ...common, "--check", "--json"]);
    equal(code, 8);
    deepEqual(JSON.parse(out), {
      ok: false,
      changed: [folder.path("protos/orders/v1/orders.proto"), folder.path("lock.json")],
    });
    match(folder.text("protos/orders/v1/orders.proto"), /string note = 2;/);

    equal((await trial(["proto", second, ...common])).code, 0);
    match(
      folder.text("protos/orders/v1/orders.proto"),
      /reserved 2;\n {2}reserved "note";\n {2}string id = 3;\n {2}string item = 1;\n/,
    );
  });

  test("keeps what other modules have put into the lock", async () => {
    using folder = new Folder();
    const lock = folder.file("lock.json", '{"contracts":{"other@2":{"messages":{},"enums":{}}}}');
    const module = folder.file("orders.ts", orders("item: z.string()"));
    equal((await trial(["proto", module, "--lock", lock])).code, 0);
    const { contracts } = JSON.parse(folder.text("lock.json")) as { contracts: object };
    deepEqual(Object.keys(contracts), ["orders@1", "other@2"]);
  });

  test("refuses a lock that it cannot read, and several contracts in one file", async () => {
    using folder = new Folder();
    const module = folder.file("orders.ts", orders("item: z.string()"));
    const broken = await trial(["proto", module, "--lock", folder.file("lock.json", "{")]);
    equal(broken.code, 2);
    match(broken.err, /lock.json cannot be read/);
    const two = folder.file(
      "two.ts",
      `${orders("item: z.string()")} export const More = contract("more", { version: "1.0.0" }, {});`,
    );
    const { code, err } = await trial([
      "proto",
      two,
      "--out",
      folder.path("one.proto"),
      "--lock",
      folder.path("new.json"),
    ]);
    equal(code, 2);
    match(err, /2 contracts do not fit/);
    equal(existsSync(folder.path("new.json")), false);
  });
});

suite("trunkline import proto", () => {
  test("writes a module of the services in a file and in those that it imports", async () => {
    using folder = new Folder();
    folder.file(
      "protos/shop/v3/types.proto",
      `syntax = "proto3"; package shop.v3; message Order { string id = 4; repeated Order parts = 9; }`,
    );
    const file = folder.file(
      "protos/shop/v3/shop.proto",
      `syntax = "proto3"; package shop.v3; import "shop/v3/types.proto";
      // Sells.
      service Shop { /* Finds one. */ rpc GetOrder(Order) returns (Order); }`,
    );
    const module = folder.path("shop.ts");
    const words = ["import", "proto", file, "--root", folder.path("protos"), "--out", module];
    const { code, err } = await trial(words);
    equal(code, 0, err);
    match(
      folder.text("shop.ts"),
      /export interface Order {\n {2}id: string;\n {2}parts: Order\[\];\n}/,
    );
    const { Shop, ShopProto } = (await import(pathToFileURL(module).href)) as {
      readonly Shop: AnyContract;
      readonly ShopProto: { readonly service: string };
    };
    equal(`${Shop[info].name}@${Shop[info].version}`, "shop@3.0.0");
    equal(ShopProto.service, "shop.v3.Shop");
    const again = await trial(["proto", module, "--lock", folder.path("lock.json")]);
    equal(again.code, 2);
    match(again.err, /come from .proto files: those are theirs/);
  });

  test("lets nothing that a file says become code", async () => {
    using folder = new Folder();
    const evil = `*/ globalThis.hit = 1; /* \u2028 globalThis.hit = 1 \\" + (globalThis.hit = 1) + "`;
    const file = folder.file(
      "evil.proto",
      `syntax = "proto3"; package evil;
      // ${evil}
      service Evil {
        // ${evil}
        rpc Do(A) returns (A);
      }
      // ${evil}
      message A {
        // ${evil}
        string a = 1 [json_name = "a\\"; globalThis.hit = 1; //"];
      }`,
    );
    const module = folder.path("evil.ts");
    const { code, err } = await trial(["import", "proto", file, "--out", module]);
    equal(code, 0, err);
    await import(pathToFileURL(module).href);
    equal(Object.hasOwn(globalThis, "hit"), false);
  });

  test("says what is wrong with a file, and writes nothing", async () => {
    using folder = new Folder();
    const cases: readonly (readonly [text: string, told: RegExp])[] = [
      [`syntax = "proto3";`, /declares no service/],
      [`syntax = "proto2"; service A {}`, /not proto3/],
      [
        `syntax = "proto3"; import "b.proto"; service A { rpc Do(B) returns (B); }`,
        /no such type: B; give the text of b.proto too/,
      ],
    ];
    for (const [text, told] of cases) {
      const out = folder.path("out.ts");
      const file = folder.file("a.proto", text);
      const { code, err } = await trial(["import", "proto", file, "--out", out]);
      equal(code === 0, false);
      match(err, told);
      equal(existsSync(out), false);
    }
    equal((await trial(["import", "proto", folder.path("absent.proto")])).code, 2);
    match(
      (await trial(["import", "prto", "a"])).err,
      /"prto" cannot be imported; did you mean proto/,
    );
  });
});

class Folder {
  readonly #path = mkdtempSync(join(cache, "proto-"));

  path(name: string): string {
    return join(this.#path, name);
  }

  file(name: string, text: string): string {
    mkdirSync(join(this.path(name), ".."), { recursive: true });
    writeFileSync(this.path(name), text);
    return this.path(name);
  }

  text(name: string): string {
    return readFileSync(this.path(name), "utf8");
  }

  [Symbol.dispose](): void {
    rmSync(this.#path, { recursive: true });
  }
}
