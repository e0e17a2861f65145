// What we write is what @bufbuild/protobuf reads, and the other way, by the descriptor that we give it.
import { deepStrictEqual, equal, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { suite, test } from "node:test";
import {
  create,
  createFileRegistry,
  fromBinary,
  fromJson,
  toBinary,
  toJson,
  type DescMessage,
  type FileRegistry,
  type JsonValue,
} from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_struct,
  type FileDescriptorProto,
} from "@bufbuild/protobuf/wkt";
import * as fc from "fast-check";
import type { ContractShape, JsonSchema } from "../../base/contract-shape.ts";
import type { PayloadType } from "../format.ts";
import { throughJson } from "../suite/carry.ts";
import { corpus } from "../suite/corpus.ts";
import { protoContract, type ProtoDocument } from "./proto-contract.ts";
import { protobuf } from "./protobuf-format.ts";

suite("protobuf and the library of buf", () => {
  for (const { name, type, values } of corpus)
    test(`agree about ${name}`, () => {
      for (const value of values) agree(type, value);
    });

  test("agree about any schema and any value of it", () => {
    fc.assert(
      fc.property(payloads, ({ schema, value }) => {
        agree({ contract: shapeOf("any", schema), operation: "it", part: "out" }, value);
      }),
      { numRuns: 400 },
    );
  });
});

suite("the .proto files", () => {
  test("are built, formatted and accepted by buf", () => {
    const folder = mkdtempSync(join(tmpdir(), "trunkline-proto-"));
    try {
      // A contract's service is called as the contract is, and not OrdersService.
      writeFileSync(
        join(folder, "buf.yaml"),
        "version: v2\nlint: { use: [STANDARD], except: [SERVICE_SUFFIX] }\n",
      );
      const seed = Math.trunc(fc.sample(fc.nat(), 1)[0]!);
      const made = fc.sample(payloads, { numRuns: 60, seed }).map(({ schema }, index) => {
        const name = `any-${String.fromCodePoint(97 + (index % 26), 97 + Math.trunc(index / 26))}`;
        const shape = shapeOf(name, schema);
        return protoContract(shape);
      });
      for (const shape of new Set(corpus.map(({ type }) => type.contract)))
        made.push(protoContract(shape));
      for (const each of made) {
        const path = join(folder, each.file.name);
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, each.text());
      }
      const told = `seed ${seed}`;
      equal(buf(folder, "lint"), "", told);
      equal(buf(folder, "format", "--diff"), "", told);
      const built = join(folder, "all.binpb");
      equal(buf(folder, "build", "--exclude-source-info", "-o", built), "", told);
      const { file } = fromBinary(FileDescriptorSetSchema, readFileSync(built));
      for (const each of made) {
        const theirs = file.find(({ name }) => name === each.file.name)!;
        deepStrictEqual(plain(theirs), plain(each.file), told);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** What `buf` complains about. */
function buf(folder: string, ...words: string[]): string {
  const program = join(import.meta.dirname, "../../../node_modules/.bin/buf");
  const { stdout, stderr, error } = spawnSync(program, words, { cwd: folder, encoding: "utf8" });
  if (error !== undefined) throw error;
  return stdout + stderr;
}

function plain(file: FileDescriptorProto): unknown {
  const json = toJson(FileDescriptorProtoSchema, file) as Record<string, unknown>;
  // What buf adds for itself.
  return Object.fromEntries(Object.entries(json).filter(([key]) => !key.startsWith("[")));
}

function shapeOf(name: string, out: JsonSchema): ContractShape {
  return {
    name,
    version: "1.0.0",
    operations: { it: { kind: "call", idempotent: true, out } },
  };
}

/** Through our bytes, through theirs, and through the JSON of Protobuf the value stays the same. */
function agree(type: PayloadType, value: unknown): void {
  const codec = protobuf().codec(type);
  const expected = throughJson(value);
  const own = Buffer.from(codec.encode(value));
  deepStrictEqual(codec.decode(own, 0, own.length), expected);

  const { registry, message } = messageOf(protoContract(type.contract), type);
  const read = fromBinary(message, own);
  equal(read.$unknown, undefined, "fields that the descriptor does not know");
  const theirs = Buffer.from(toBinary(message, read));
  deepStrictEqual(codec.decode(theirs, 0, theirs.length), expected);

  const json = JSON.stringify(toJson(message, read, { registry }));
  const fromTheirJson = fromJson(message, JSON.parse(json) as JsonValue, { registry });
  const again = Buffer.from(toBinary(message, fromTheirJson));
  deepStrictEqual(codec.decode(again, 0, again.length), expected);
}

function messageOf(
  { file, service, methods, package: space }: ProtoDocument,
  { operation, part }: PayloadType,
): { readonly registry: FileRegistry; readonly message: DescMessage } {
  const set = create(FileDescriptorSetSchema, {
    file: [file_google_protobuf_struct.proto, file],
  });
  const registry = createFileRegistry(set);
  const { name, error } = methods.get(operation)!;
  const method = registry.getService(service)!.methods.find((each) => each.name === name)!;
  if (part === "out") return { registry, message: method.output };
  if (part === "in" || part === "head") return { registry, message: method.input };
  const typeName = error(part.slice("error ".length))!.typeName;
  ok(typeName.startsWith(space));
  return { registry, message: registry.getMessage(typeName)! };
}

interface Payload {
  readonly schema: JsonSchema;
  readonly value: unknown;
}

interface Described {
  readonly schema: JsonSchema;
  readonly values: fc.Arbitrary<unknown>;
}

// Texts of whole characters: Protobuf knows no others.
const texts = fc.string({ unit: "grapheme", maxLength: 20 });
const numbers = fc
  .double({ noNaN: true, noDefaultInfinity: true })
  .map((number) => (number === 0 ? 0 : number));
const integers = fc.maxSafeInteger().map((number) => (number === 0 ? 0 : number));
const anything = fc.jsonValue({ maxDepth: 3 }).map(throughJson);

// Some that lie near each other, and near names that Protobuf or we give.
const titles = fc.constantFrom(
  "Order",
  "order",
  "Kind",
  "Any",
  "ItResponse",
  "Foo",
  "Foo Bar",
  "É",
);

/** Names that lie near each other, or that JavaScript or Protobuf give a meaning. */
const nearNames = [
  "a",
  "a_b",
  "aB",
  "a-b",
  "1",
  "value",
  "class",
  "message",
  "constructor",
  "valueOf",
];

const leaves: fc.Arbitrary<Described> = fc.oneof(
  fc.constant({ schema: { type: "string" }, values: texts }),
  fc.constant({ schema: { type: "number" }, values: numbers }),
  fc.constant({ schema: { type: "integer" }, values: integers }),
  fc.constant({
    schema: { type: "integer", minimum: -5, maximum: 70_000 },
    values: fc.integer({ min: -5, max: 70_000 }),
  }),
  fc.constant({ schema: { type: "boolean" }, values: fc.boolean() }),
  fc.constant({ schema: { type: "null" }, values: fc.constant(null) }),
  fc.constant({ schema: {}, values: anything }),
  fc
    .tuple(
      fc.uniqueArray(fc.oneof(texts, fc.constantFrom("a b", "a_b", "bar_baz", "unspecified")), {
        minLength: 1,
        maxLength: 5,
      }),
      fc.constantFrom({}, { title: "Foo" }, { title: "Foo Bar" }),
    )
    .map(([allowed, title]) => ({
      schema: { enum: allowed, ...title },
      values: fc.constantFrom(...allowed),
    })),
);

const { described } = fc.letrec<{ described: Described }>((tie) => ({
  described: fc.oneof(
    { depthSize: "small", withCrossShrink: true, maxDepth: 4 },
    leaves,
    tie("described").map(({ schema, values }) => ({
      schema: { anyOf: [schema, { type: "null" }] },
      values: fc.option(values, { nil: null }),
    })),
    tie("described").map(({ schema, values }) => ({
      schema: { type: "array", items: schema },
      values: fc.array(values, { maxLength: 4 }),
    })),
    tie("described").map(({ schema, values }) => ({
      schema: { type: "object", additionalProperties: schema },
      values: fc.dictionary(texts, values, { maxKeys: 4 }),
    })),
    fc.array(tie("described"), { minLength: 1, maxLength: 3 }).map((items) => ({
      schema: {
        type: "array",
        prefixItems: items.map(({ schema }) => schema),
        items: false,
        minItems: items.length,
      },
      values: fc.tuple(...items.map(({ values }) => values)),
    })),
    objects(tie("described")),
    fc.array(objects(tie("described")), { minLength: 2, maxLength: 3 }).map((variants) => ({
      schema: {
        oneOf: variants.map(({ schema }, index) => ({
          ...schema,
          properties: { ...(schema["properties"] as object), kind: { const: `k${index}` } },
          required: [...(schema["required"] as string[]), "kind"],
        })),
      },
      values: fc.oneof(
        ...variants.map(({ values }, index) =>
          values.map((value) => ({ ...(value as object), kind: `k${index}` })),
        ),
      ),
    })),
  ),
}));

function objects(fields: fc.Arbitrary<Described>): fc.Arbitrary<Described> {
  const names = fc.oneof(texts, fc.constantFrom(...nearNames));
  const entry = fc.tuple(
    names.filter((name) => name !== "__proto__" && name !== "kind" && name !== "toJSON"),
    fields,
    fc.boolean(),
  );
  const fieldsOf = fc.uniqueArray(entry, { maxLength: 5, selector: ([name]) => name });
  return fc.tuple(fieldsOf, fc.option(titles, { nil: undefined })).map(([entries, title]) => {
    const needed = entries.filter(([, , optional]) => !optional).map(([name]) => name);
    return {
      schema: {
        type: "object",
        ...(title === undefined ? {} : { title }),
        properties: Object.fromEntries(entries.map(([name, { schema }]) => [name, schema])),
        required: needed,
      },
      values: fc.record(Object.fromEntries(entries.map(([name, { values }]) => [name, values])), {
        requiredKeys: needed,
      }),
    };
  });
}

const payloads: fc.Arbitrary<Payload> = described.chain(({ schema, values }) =>
  values.map((value) => ({ schema, value: throughJson(value) })),
);
