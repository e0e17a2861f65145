// Google's Protobuf for Python compiles the files of our contracts, reads our bytes, and writes its own; buf and the
// library of buf are asked in src/codec/protobuf/library.test.ts. And a module that was made of somebody's file is compiled
// and called.
import { spawn } from "node:child_process";
import { deepStrictEqual, equal } from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { suite, test } from "node:test";
import { call, contract, describe, duplex, stream, upload } from "trunkline/contract";
import { bytes } from "trunkline/contract";
import { protoContract, type ProtoMethod } from "trunkline/codec/protobuf";
import * as z from "zod";
import { pythonOf, type Program } from "./foreign/toolchain.ts";
import { fromSource, start } from "./program.ts";

const Money = z
  .object({ amount: z.number(), currency: z.enum(["EUR", "USD"]) })
  .meta({ id: "Money" });
const Party = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("person"), name: z.string() }),
  z.object({ kind: z.literal("company"), vat: z.string(), seats: z.int() }),
]);
const Part = z.object({
  name: z.string(),
  get parts() {
    return z.array(Part);
  },
});
const Order = z.object({
  id: z.string(),
  number: z.int(),
  small: z.int32(),
  price: Money,
  discount: Money.nullable(),
  rebate: Money.nullish(),
  tags: z.array(z.string()),
  notes: z.array(z.string()).optional(),
  labels: z.record(z.string(), z.string()),
  grid: z.array(z.array(z.number())),
  gaps: z.array(z.int().nullable()),
  buyer: Party,
  either: z.union([z.string(), z.number(), z.boolean()]),
  pair: z.tuple([z.string(), z.boolean()]),
  tree: Part,
  anything: z.unknown(),
  "odd-name": z.string(),
  gift: z.boolean(),
});

const Orders = contract(
  "orders",
  { version: "3.1.0" },
  {
    place: call({ in: Order, out: Order, errors: { SOLD_OUT: z.object({ left: z.int() }) } }),
    count: call({ in: z.string(), out: z.int() }),
    watch: stream({ in: z.string().nullable(), out: Party }),
    store: upload({ head: z.object({ name: z.string() }), in: bytes(), out: z.array(z.string()) }),
    talk: duplex({ in: z.unknown(), out: z.enum(["yes", "no"]) }),
    ping: call(),
  },
);

type Side = "input" | "output" | "head" | "error";

const order = {
  id: "o-1",
  number: -9_007_199_254_740_991,
  small: -2_147_483_648,
  price: { amount: -0.5, currency: "EUR" },
  discount: null,
  tags: ["", "Grüße 世界 🌍"],
  labels: { "": "x" },
  grid: [[], [1, 0.1]],
  gaps: [0, null, 5],
  buyer: { kind: "company", vat: "", seats: 0 },
  either: "",
  pair: ["", false],
  tree: { name: "", parts: [{ name: "leaf", parts: [] }] },
  anything: { a: [null, 1.5, "", { b: true }] },
  "odd-name": "",
  gift: false,
};

const cases: readonly (readonly [member: string, side: Side, message: string, value: unknown])[] = [
  ["place", "input", "PlaceRequest", order],
  [
    "place",
    "output",
    "PlaceResponse",
    {
      ...order,
      rebate: null,
      discount: { amount: 0, currency: "USD" },
      notes: [],
      either: false,
      buyer: { kind: "person", name: "Ada" },
      anything: null,
    },
  ],
  ["place", "input", "PlaceRequest", { ...order, rebate: order.price, either: 0, labels: {} }],
  ["place", "error", "PlaceSoldOutError", { left: 0 }],
  ["count", "input", "CountRequest", ""],
  ["count", "output", "CountResponse", 0],
  ["watch", "input", "WatchRequest", null],
  ["watch", "input", "WatchRequest", "x"],
  ["watch", "output", "WatchResponse", { kind: "person", name: "" }],
  ["store", "head", "StoreRequest", { name: "" }],
  ["store", "input", "StoreRequest", Buffer.from([0, 255])],
  ["store", "output", "StoreResponse", ["a", ""]],
  ["talk", "input", "TalkRequest", undefined],
  ["talk", "input", "TalkRequest", [[], {}]],
  ["talk", "output", "TalkResponse", "no"],
  ["ping", "input", "PingRequest", undefined],
];

suite("Protobuf for Python", async () => {
  const program = await pythonOf("protobuf");
  test(
    "compiles our files, reads our bytes and writes the same",
    { skip: typeof program === "string" && program },
    async () => {
      const proto = protoContract(describe(Orders));
      const codecs = cases.map(([member, side]) => codecOf(proto.methods.get(member)!, side));
      const written = cases.map(([, , , value], index) =>
        Buffer.from(codecs[index]!.encode(value)),
      );
      const answers = await exchange((program as (file: string) => Program)("exchange.py"), {
        files: { [proto.file.name]: proto.text() },
        cases: cases.map(([, , message], index) => ({
          message: `orders.v3.${message}`,
          bytes: written[index]!.toString("base64"),
        })),
      });
      equal(answers.length, cases.length);
      for (const [index, [member, side, , value]] of cases.entries()) {
        const { unknown, read, made } = answers[index]!;
        const told = `${member}.${side}`;
        equal(unknown, 0, told);
        equal(read, written[index]!.toString("base64"), told);
        for (const theirs of [read, made]) {
          const memory = Buffer.from(theirs, "base64");
          deepStrictEqual(codecs[index]!.decode(memory, 0, memory.length), value, told);
        }
      }
    },
  );
});

function codecOf(method: ProtoMethod, side: Side): ProtoMethod["input"] {
  if (side === "error") return method.error("SOLD_OUT")!.codec;
  return side === "head" ? method.head! : method[side];
}

interface Answer {
  readonly unknown: number;
  readonly read: string;
  readonly made: string;
}

async function exchange({ command, args }: Program, told: object): Promise<readonly Answer[]> {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(JSON.stringify(told));
  return JSON.parse(await text(child.stdout)) as readonly Answer[];
}

suite("a module that `trunkline import proto` has made", () => {
  test("compiles, serves and is called", async () => {
    const root = join(import.meta.dirname, "..");
    mkdirSync(join(root, ".cache"), { recursive: true });
    const folder = mkdtempSync(join(root, ".cache", "imported-"));
    try {
      writeFileSync(join(folder, "shop.proto"), shop);
      writeFileSync(join(folder, "main.ts"), main);
      writeFileSync(
        join(folder, "tsconfig.json"),
        JSON.stringify({ extends: join(root, "tsconfig.json"), include: ["*.ts"] }),
      );
      const cli = join(root, "src/cli/main.ts");
      const node = async (...words: string[]): Promise<string> => {
        const { code, stdout, stderr } = await start(process.execPath, words, folder).ended;
        equal(code, 0, `${words.join(" ")}\n${stdout}${stderr}`);
        return stdout;
      };
      await node(...fromSource, cli, "import", "proto", "shop.proto", "--out", "shop.ts");
      await node(join(root, "node_modules/typescript/bin/tsc"), "-p", ".");
      const own = "5 kettle \n1\n2\nINVALID_ARGUMENT\n";
      const connect = '200 {"item":"cup","number":"5"}\n';
      equal(await node(...fromSource, "main.ts"), `${own}${own}${connect}`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

const shop = `syntax = "proto3";
package shop.v1;
service Shop {
  rpc Place(Order) returns (Order);
  rpc Count(Order) returns (stream Order);
}
message Order {
  string item = 1;
  int64 number = 2;
  string note = 3;
  repeated Order parts = 4;
}
`;

const main = `import { chassis, client, serve } from "trunkline";
import { protobuf } from "trunkline/codec/protobuf";
import { bindGrpc, grpc } from "trunkline/protocol/grpc";
import { Shop, ShopProto, type Order } from "./shop.ts";

const format = protobuf({ imported: [ShopProto] });
const protocols = [grpc({ bindings: [bindGrpc(Shop, { proto: ShopProto })] })];
await using app = await chassis({
  name: "shop",
  listen: ["memory:shop", "grpc://127.0.0.1:0"],
  signals: false,
  formats: [format],
  protocols,
  serve: [
    serve(Shop, {
      place: (order) => ({ ...order, number: String(order.parts.length + Number(order.number)) }),
      async *count({ number }) {
        for (let index = 1; index <= Number(number); index++) yield { number: String(index) };
      },
    }),
  ],
});
const [memory, remote] = app.addresses as [string, string];
for (const address of [memory, remote]) {
  await using orders = client(Shop, address, address === memory ? { format } : { protocols });
  const order: Order = await orders.place({ item: "kettle", number: "4", parts: [{}] });
  console.log(order.number, order.item, order.note);
  for await (const { number } of orders.count({ number: "2" })) console.log(number);
  // @ts-expect-error 64 bits are digits in a text
  const wrong = await orders.place.result({ number: 5 });
  if (!wrong.ok) console.log(wrong.error.code);
}
// Connect, as curl would speak it: the JSON of Protobuf.
const answer = await fetch(remote.replace("grpc:", "http:") + "/shop.v1.Shop/Place", {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: '{"item":"cup","number":5}',
});
console.log(answer.status, await answer.text());
`;
