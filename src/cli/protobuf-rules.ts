import type {
  DescriptorProto,
  EnumDescriptorProto,
  FieldDescriptorProto,
  FileDescriptorProto,
} from "@bufbuild/protobuf/wkt";
import type { Gap, Verdict } from "../contract/compare/finding.ts";

/** The types of FieldDescriptorProto by their numbers. */
const types = [
  "",
  "double",
  "float",
  "int64",
  "uint64",
  "int32",
  "fixed64",
  "fixed32",
  "bool",
  "string",
  "group",
  "message",
  "bytes",
  "uint32",
  "enum",
  "sfixed32",
  "sfixed64",
  "sint32",
  "sint64",
] as const;
/** Its labels, by their numbers. */
const labels = ["", "single", "single", "repeated"] as const;

/** What a reader takes for what a writer of the first type has written, and gets the same value. */
const readable: Readonly<Record<string, readonly string[]>> = {
  int32: ["int64"],
  uint32: ["uint64", "int64"],
  bool: ["int32", "int64", "uint32", "uint64"],
  enum: ["int32", "int64"],
  sint32: ["sint64"],
  string: ["bytes"],
};

/** What the reader's messages make of those that are written by the writer's, beside what their schemas say. */
export function protobufGaps(
  reader: FileDescriptorProto,
  writer: FileDescriptorProto,
  messages: readonly [reader: string, writer: string],
  newer: boolean,
): readonly Gap[] {
  return new Wire(reader, writer, newer).message(messages[0], messages[1], "");
}

class Wire {
  readonly #reads: ReadonlyMap<string, DescriptorProto | EnumDescriptorProto>;
  readonly #writes: ReadonlyMap<string, DescriptorProto | EnumDescriptorProto>;
  readonly #newer: boolean;
  readonly #underWay = new Set<string>();

  constructor(reader: FileDescriptorProto, writer: FileDescriptorProto, newer: boolean) {
    [this.#reads, this.#writes] = [typesIn(reader), typesIn(writer)];
    this.#newer = newer;
  }

  message(reads: string, writes: string, path: string): readonly Gap[] {
    const [reader, writer] = [this.#reads.get(reads), this.#writes.get(writes)];
    // Google's own are not in the file: they are the same or they are not.
    if (
      reader === undefined &&
      writer === undefined &&
      withoutPackage(reads) === withoutPackage(writes)
    )
      return [];
    if (
      reader === undefined ||
      writer === undefined ||
      !("field" in reader) ||
      !("field" in writer)
    )
      return [this.#told(path, "message", withoutPackage(reads), withoutPackage(writes))];
    const pair = `${reads} ${writes}`;
    if (this.#underWay.has(pair)) return [];
    this.#underWay.add(pair);
    return writer.field.flatMap((sent) => {
      const place = path === "" ? sent.jsonName : `${path}.${sent.jsonName}`;
      const field = reader.field.find(({ name }) => name === sent.name);
      if (field !== undefined) return this.#field(field, sent, place);
      const taken = reader.field.find(({ number }) => number === sent.number);
      return taken === undefined
        ? []
        : [this.#told(place, `number ${sent.number}`, taken.name, sent.name)];
    });
  }

  #field(reader: FieldDescriptorProto, writer: FieldDescriptorProto, path: string): readonly Gap[] {
    if (reader.number !== writer.number)
      return [this.#told(path, "number", String(reader.number), String(writer.number))];
    const [reads, writes] = [reader, writer].map((field) => types[field.type]);
    if (labelOf(reader) !== labelOf(writer))
      return [this.#told(path, "label", labelOf(reader), labelOf(writer))];
    if (reads !== writes) {
      if (readable[writes!]?.includes(reads!) === true) return [];
      const verdict = writes === "bytes" && reads === "string" ? "unknown" : "breaks";
      return [this.#told(path, "type", reads!, writes!, verdict)];
    }
    if (reads === "message") return this.message(reader.typeName, writer.typeName, path);
    return reads === "enum" ? this.#enum(reader.typeName, writer.typeName, path) : [];
  }

  #enum(reads: string, writes: string, path: string): readonly Gap[] {
    const [reader, writer] = [this.#reads.get(reads), this.#writes.get(writes)];
    if (
      reader === undefined ||
      writer === undefined ||
      !("value" in reader) ||
      !("value" in writer)
    )
      return [];
    return writer.value.flatMap((sent) => {
      const same = reader.value.find(({ name }) => name === sent.name);
      if (same !== undefined && same.number !== sent.number)
        return [
          this.#told(path, `number of ${sent.name}`, String(same.number), String(sent.number)),
        ];
      const taken = reader.value.find(({ number }) => number === sent.number);
      return same !== undefined || taken === undefined
        ? []
        : [this.#told(path, `number ${sent.number}`, taken.name, sent.name)];
    });
  }

  #told(
    path: string,
    what: string,
    reader: string,
    writer: string,
    verdict: Verdict = "breaks",
  ): Gap {
    const [was, is] = this.#newer ? [writer, reader] : [reader, writer];
    return { path, change: `protobuf: ${what} was ${was}, is ${is}`, verdict };
  }
}

function labelOf({ label }: FieldDescriptorProto): string {
  return labels[label];
}

/** The package has the major version in it, which is not what is compared. */
function withoutPackage(name: string): string {
  return name.replace(/^\.?[a-z0-9_]+\.v\d+\./, "");
}

/** Messages and enums by their full names, those within others too. */
function typesIn(
  file: FileDescriptorProto,
): ReadonlyMap<string, DescriptorProto | EnumDescriptorProto> {
  const found = new Map<string, DescriptorProto | EnumDescriptorProto>();
  const visit = (
    prefix: string,
    messages: readonly DescriptorProto[],
    enums: readonly EnumDescriptorProto[],
  ): void => {
    for (const each of [...messages, ...enums]) found.set(`${prefix}.${each.name}`, each);
    for (const each of messages) visit(`${prefix}.${each.name}`, each.nestedType, each.enumType);
  };
  visit(`.${file.package}`, file.messageType, file.enumType);
  return found;
}
