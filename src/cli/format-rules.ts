import { existsSync, readFileSync } from "node:fs";
import {
  isBytes,
  isMessageShape,
  type ContractShape,
  type OperationShape,
} from "../base/contract-shape.ts";
import type { Part } from "../codec/format.ts";
import type { ProtoDocument, ProtoLock } from "../codec/protobuf/index.ts";
import type { FormatRules } from "../contract/compare/compare.ts";
import { directed, type Sender } from "../contract/compare/operations.ts";
import { avroGaps } from "./avro-rules.ts";
import { UsageError } from "./command.ts";
import { withLibraries } from "./library.ts";
import { protobufGaps } from "./protobuf-rules.ts";

/** What `contract diff` can be told of the wire: what each format makes of a change beside what the schemas say. */
export const formatRules: Readonly<Record<string, (lock: string) => Promise<FormatRules>>> = {
  json: () => Promise.resolve(() => []),
  avro: avroRules,
  protobuf: protobufRules,
};

interface Payload {
  readonly part: Part;
  readonly sender: Sender;
}

/** The payloads that both versions of an operation have, and that are not bytes. Messages are JSON, whatever connections speak. */
function payloads(older: OperationShape, newer: OperationShape): readonly Payload[] {
  if (isMessageShape(older) || isMessageShape(newer)) return [];
  const codes = Object.keys(older.errors ?? {}).map((code): Payload => ({
    part: `error ${code}`,
    sender: "server",
  }));
  const parts: readonly Payload[] = [
    { part: "head", sender: "client" },
    { part: "in", sender: "client" },
    { part: "out", sender: "server" },
    ...codes,
  ];
  return parts.filter(({ part }) =>
    [older, newer].every((shape) => {
      const schema = schemaOf(shape, part);
      return schema !== undefined && schema !== null && !isBytes(schema);
    }),
  );
}

function schemaOf(shape: OperationShape, part: Part) {
  return part === "head" || part === "in" || part === "out"
    ? shape[part]
    : shape.errors?.[part.slice("error ".length)];
}

async function avroRules(): Promise<FormatRules> {
  const { avroSchemaOf } = await withLibraries(() => import("../codec/avro/index.ts"), "avsc");
  return (older, newer, operation) => {
    const [was, is] = [older.operations[operation]!, newer.operations[operation]!];
    return payloads(was, is).flatMap(({ part, sender }) => {
      const [old, now] = [older, newer].map((contract) =>
        avroSchemaOf({ contract, operation, part }),
      );
      return directed(part, sender, avroGaps(now!, old!, true), avroGaps(old!, now!, false));
    });
  };
}

/** With the lock both versions have the numbers that it holds; without it each counts for itself, as its processes do. */
async function protobufRules(path: string): Promise<FormatRules> {
  const { protoContract } = await withLibraries(
    () => import("../codec/protobuf/index.ts"),
    "@bufbuild/protobuf",
  );
  const lock = lockAt(path);
  const made = new Map<ContractShape, ProtoDocument>();
  const documentOf = (shape: ContractShape): ProtoDocument => {
    let document = made.get(shape);
    if (document === undefined) {
      document = protoContract(shape, lock === undefined ? {} : { lock });
      made.set(shape, document);
    }
    return document;
  };
  return (older, newer, operation) => {
    const [was, is] = [older.operations[operation]!, newer.operations[operation]!];
    const [old, now] = [documentOf(older), documentOf(newer)];
    return payloads(was, is).flatMap(({ part, sender }) => {
      // A head travels in the same message as the items.
      if (part === "head") return [];
      const [before, after] = [messageOf(old, operation, part), messageOf(now, operation, part)];
      return directed(
        part,
        sender,
        protobufGaps(now.file, old.file, [after, before], true),
        protobufGaps(old.file, now.file, [before, after], false),
      );
    });
  };
}

/** The full name of the message that carries a payload. */
function messageOf({ methods, file }: ProtoDocument, operation: string, part: Part): string {
  const { name, error } = methods.get(operation)!;
  const method = file.service[0]!.method.find((each) => each.name === name)!;
  if (part === "in") return method.inputType;
  if (part === "out") return method.outputType;
  return `.${error(part.slice("error ".length))!.typeName}`;
}

function lockAt(path: string): ProtoLock | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, "utf8")) as ProtoLock;
  } catch (error) {
    throw new UsageError(`${path} cannot be read: it is no JSON`, { cause: error });
  }
}
