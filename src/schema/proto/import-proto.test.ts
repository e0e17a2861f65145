import { deepEqual, deepStrictEqual, equal, throws } from "node:assert/strict";
import { suite, test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import * as fc from "fast-check";
import type { Codec } from "../../codec/codec.ts";
import { operationsOf } from "../../contract/contract.ts";
import { describe } from "../../contract/describe.ts";
import type { Schema } from "../../contract/schema.ts";
import { importProto, type ImportedProto } from "./import-proto.ts";

const greeter = `
syntax = "proto3";
package demo.v2;
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/field_mask.proto";
import "google/protobuf/any.proto";
import "google/protobuf/empty.proto";

service Greeter {
  // Says hello.
  rpc SayHello(Hello) returns (Hello) { option idempotency_level = NO_SIDE_EFFECTS; }
  rpc Watch(google.protobuf.Empty) returns (stream Hello);
  rpc Send(stream Hello) returns (google.protobuf.StringValue);
  rpc Chat(stream Hello) returns (stream Hello);
  rpc ToJSON(Hello) returns (Hello);
}

message Hello {
  string name = 1;
  optional string nick = 2;
  int64 id = 3;
  uint64 count = 4 [jstype = JS_NUMBER];
  bytes data = 5;
  repeated int32 marks = 6;
  repeated sint64 longs = 7 [packed = false];
  map<string, Inner> inners = 8;
  map<int32, string> by_number = 9;
  map<bool, string> by_truth = 10;
  oneof either { string text = 11; Inner inner = 12; }
  State state = 13;
  google.protobuf.Timestamp at = 14;
  google.protobuf.Duration took = 15;
  google.protobuf.FieldMask mask = 16;
  google.protobuf.Any any = 17;
  google.protobuf.Struct struct = 18;
  google.protobuf.Value value = 19;
  google.protobuf.Int64Value boxed = 20;
  Hello again = 21;
  string odd_name = 22 [json_name = "odd"];
  google.protobuf.NullValue nothing = 23;
  fixed64 fixed = 24;
  float real = 25;
  repeated State states = 26;
  message Inner { bool yes = 1; }
  enum State { STATE_UNSPECIFIED = 0; STATE_ON = 1; }
}
`;

const refused: readonly (readonly [string, Parameters<typeof importProto>[0], RegExp])[] = [
  ["it is proto2", `syntax = "proto2"; message A {}`, /main.proto is not proto3/],
  [
    "its version stands in a comment",
    `// a \n/* b */ /* syntax = "proto3"; */ message A {}`,
    /main.proto is not proto3/,
  ],
  ["it says no version", `message A {}`, /main.proto is not proto3/],
  ["it is of an edition", `edition = "2023"; message A {}`, /main.proto is not proto3/],
  ["a type is missing", `syntax = "proto3"; message A { B b = 1; }`, /no such Type or Enum 'B'/],
  [
    "a file is missing",
    `syntax = "proto3"; import "x.proto"; message A { x.B b = 1; }`,
    /no such Type or Enum 'x.B' in Type .A; give the text of x.proto too/,
  ],
  ["it is cut off", `syntax = "proto3"; message A {`, /main.proto: illegal/],
  ["the bytes are no descriptors", new Uint8Array([255, 255]), /no descriptor set/],
  [
    "a descriptor set is not complete",
    toBinary(
      FileDescriptorSetSchema,
      create(FileDescriptorSetSchema, {
        file: [
          create(FileDescriptorProtoSchema, {
            name: "a.proto",
            syntax: "proto3",
            service: [{ name: "S", method: [{ name: "Do", inputType: ".B", outputType: ".B" }] }],
          }),
        ],
      }),
    ),
    /B/,
  ],
];

suite("an imported .proto file", () => {
  test("becomes a contract for each service, with the file's names on the wire", () => {
    const { contract, proto } = imported(greeter);
    const { name, version, operations } = describe(contract);
    equal(`${name}@${version}`, "greeter@2.0.0");
    deepEqual(
      Object.entries(operations).map(([member, { kind }]) => [
        member,
        kind,
        proto.methods.get(member)!.path,
      ]),
      [
        ["sayHello", "call", "/demo.v2.Greeter/SayHello"],
        ["watch", "stream", "/demo.v2.Greeter/Watch"],
        ["send", "upload", "/demo.v2.Greeter/Send"],
        ["chat", "duplex", "/demo.v2.Greeter/Chat"],
        ["toJSONMethod", "call", "/demo.v2.Greeter/ToJSON"],
      ],
    );
    equal(operations["sayHello"]!.description, "Says hello.");
    equal(operations["sayHello"]!.idempotent, true);
    equal(operations["watch"]!.in, undefined);
    equal(proto.contract, "greeter@2");
  });

  test("gives the values of the JSON of Protobuf, with what was left out", () => {
    const { input } = imported(greeter).proto.methods.get("sayHello")!;
    deepStrictEqual(carried(input, {}), zeros);
  });

  test("carries every type of field", () => {
    const { input } = imported(greeter).proto.methods.get("sayHello")!;
    deepStrictEqual(carried(input, full), { ...zeros, ...full });
  });

  test("says what is wrong with a value that its field cannot hold", () => {
    const { input } = imported(greeter).proto.methods.get("sayHello")!;
    const wrong: readonly [unknown, RegExp][] = [
      [{ text: "a", inner: {} }, /demo.v2.Hello: only one of text, inner can be set/],
      [{ id: "x" }, /demo.v2.Hello.id: "x" is no int64/],
      [{ id: "9223372036854775808" }, /invalid int64/],
      [{ data: "%" }, /demo.v2.Hello.data: the text is not base64/],
      [{ state: "ON" }, /demo.v2.Hello.state: "ON" is no value of demo.v2.Hello.State/],
      [{ at: "yesterday" }, /demo.v2.Hello.at: no google.protobuf.Timestamp/],
      [{ count: 2 ** 53 }, /demo.v2.Hello.count: 9007199254740992 is no integer/],
      [{ marks: [1.5] }, /demo.v2.Hello.marks: 1.5 is no int32/],
    ];
    for (const [value, message] of wrong) throws(() => input.encode(value), message);
  });

  test("keeps the last member of a oneof that came", () => {
    const { input } = imported(greeter).proto.methods.get("sayHello")!;
    const memory = Buffer.concat(
      [{ text: "a" }, { inner: { yes: true } }].map((each) => Buffer.from(input.encode(each))),
    );
    deepStrictEqual(input.decode(memory, 0, memory.length), { ...zeros, inner: { yes: true } });
  });

  test("has schemas that let everything be left out, and fill it in for who receives it", async () => {
    const schema = schemaIn(imported(greeter), "sayHello");
    deepStrictEqual(await schema["~standard"].validate({}), { value: zeros });
    const given = { inners: { a: {} }, again: { name: "x" } };
    deepStrictEqual(await schema["~standard"].validate(given), {
      value: { ...zeros, inners: { a: { yes: false } }, again: { ...zeros, name: "x" } },
    });
    deepEqual(given, { inners: { a: {} }, again: { name: "x" } });
    const wrong = await schema["~standard"].validate({ id: 5 });
    equal(wrong.issues?.length, 1);
  });

  test("takes nothing for an empty message", () => {
    const { input, output } = imported(greeter).proto.methods.get("watch")!;
    equal(carried(input, undefined), undefined);
    deepStrictEqual(carried(output, { name: "x" }), { ...zeros, name: "x" });
    equal(carried(imported(greeter).proto.methods.get("send")!.output, ""), "");
  });

  test("survives bytes that are not its messages", () => {
    const { input } = imported(greeter).proto.methods.get("sayHello")!;
    const good = Buffer.from(input.encode(full));
    const survives = (memory: Buffer): void => {
      try {
        input.decode(memory, 0, memory.length);
      } catch (error) {
        equal(error instanceof Error, true);
      }
    };
    for (let length = 0; length < good.length; length++) survives(good.subarray(0, length));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(good.length), (noise, at) => {
        survives(Buffer.from(noise));
        survives(Buffer.concat([good.subarray(0, at), noise, good.subarray(at)]));
      }),
    );
    let nested = Buffer.alloc(0);
    for (let level = 0; level < 200; level++)
      nested = Buffer.concat([Buffer.from([0xaa, 1, ...varint(nested.length)]), nested]);
    throws(
      () => input.decode(nested, 0, nested.length),
      /more than 100 messages lie in each other/,
    );
  });

  test("may be several that import each other", () => {
    const [{ proto }] = importProto({
      "a/service.proto": `syntax = "proto3"; package a; import "b/types.proto";
        service S { rpc Get(b.Query) returns (b.Query); }`,
      "b/types.proto": `syntax = "proto3"; package b; message Query { string text = 7; }`,
    }) as [ImportedProto];
    deepEqual(
      proto.imports.map(({ name }) => name),
      ["b/types.proto"],
    );
    deepStrictEqual(
      Buffer.from(proto.methods.get("get")!.input.encode({ text: "x" })),
      bytes(":\x01x"),
    );
  });

  test("may import what describes it to others, and is not given", () => {
    const { proto } = imported(`// Says
      /* much **/ // before
      syntax = "proto3";
      import "google/api/annotations.proto";
      import "google/protobuf/descriptor.proto";
      extend google.protobuf.MethodOptions { string note = 50000; }
      service S {
        rpc Get(A) returns (A) {
          option (google.api.http) = { get: "/v1/{name=a/*}" additional_bindings { get: "/" } };
          option (note) = "x";
        }
      }
      message A { string name = 1 [(google.api.field_behavior) = REQUIRED, deprecated = true]; }
    `);
    equal(proto.methods.get("get")!.path, "/S/Get");
    deepEqual([proto.file.dependency, proto.imports], [[], []]);
  });

  test("may be a descriptor set", () => {
    const { proto } = imported(greeter);
    const set = create(FileDescriptorSetSchema, { file: [proto.file] });
    const again = importProto(toBinary(FileDescriptorSetSchema, set));
    deepEqual(describe(again[0]!.contract), describe(imported(greeter).contract));
  });

  for (const [what, source, message] of refused) {
    test(`is refused when ${what}`, () => throws(() => importProto(source), message));
  }
});

const zeros = {
  name: "",
  id: "0",
  count: 0,
  data: "",
  marks: [],
  longs: [],
  inners: {},
  byNumber: {},
  byTruth: {},
  state: "STATE_UNSPECIFIED",
  odd: "",
  nothing: null,
  fixed: "0",
  real: 0,
  states: [],
};

const full = {
  name: "Ada",
  nick: "",
  id: "-9223372036854775808",
  count: 9_007_199_254_740_991,
  data: "AQID/w==",
  marks: [0, -1, 2_147_483_647],
  longs: ["-1", "9223372036854775807"],
  inners: { a: { yes: true }, "": { yes: false } },
  byNumber: { "-1": "x", "5": "" },
  byTruth: { true: "t", false: "f" },
  inner: { yes: false },
  state: "STATE_ON",
  at: "2026-11-28T10:00:00.123Z",
  took: "1.500s",
  mask: "a,bC.d",
  any: { "@type": "type.googleapis.com/demo.v2.Hello.Inner", yes: true },
  struct: { a: [1, null, { b: "" }] },
  value: null,
  boxed: "0",
  again: { ...zeros, text: "" },
  odd: "o",
  nothing: null,
  fixed: "18446744073709551615",
  real: 0.5,
  states: ["STATE_UNSPECIFIED", "STATE_ON"],
};

function imported(source: string): ImportedProto {
  const [first] = importProto(source);
  return first!;
}

function schemaIn({ contract }: ImportedProto, member: string): Schema {
  return operationsOf(contract).find(([name]) => name === member)![1].in!;
}

function carried(codec: Codec, value: unknown): unknown {
  const memory = Buffer.from(codec.encode(value));
  return codec.decode(memory, 0, memory.length);
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)];
}

function bytes(text: string): Buffer {
  return Buffer.from(text, "latin1");
}
