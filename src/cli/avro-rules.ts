import type { AvroSchema } from "../codec/avro/payload-schema.ts";
import type { Gap } from "../contract/compare/finding.ts";

/** Numbers and texts that a reader of the second kind takes from a writer of the first (Avro 1.12, schema resolution). */
const promotions: Readonly<Record<string, readonly string[]>> = {
  int: ["long", "float", "double"],
  long: ["float", "double"],
  float: ["double"],
  string: ["bytes"],
  bytes: ["string"],
};

interface Named {
  readonly type: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly aliases?: readonly string[];
  readonly logicalType?: string;
  readonly symbols?: readonly string[];
  readonly default?: unknown;
  readonly fields?: readonly Field[];
  readonly items?: AvroSchema;
  readonly values?: AvroSchema;
  readonly size?: number;
}

interface Field {
  readonly name: string;
  readonly jsonName?: string;
  readonly aliases?: readonly string[];
  readonly type: AvroSchema;
  readonly default?: unknown;
}

/** What the reader's schema cannot resolve of what is written with the writer's. `newer`: the reader is the new version. */
export function avroGaps(reader: AvroSchema, writer: AvroSchema, newer: boolean): readonly Gap[] {
  return new Resolution(reader, writer, newer).gaps(reader, writer, "");
}

class Resolution {
  readonly #reads: ReadonlyMap<string, Named>;
  readonly #writes: ReadonlyMap<string, Named>;
  readonly #newer: boolean;
  /** Pairs of named types under way: what is recursive meets itself. */
  readonly #underWay = new Set<string>();

  constructor(reader: AvroSchema, writer: AvroSchema, newer: boolean) {
    [this.#reads, this.#writes] = [namesIn(reader), namesIn(writer)];
    this.#newer = newer;
  }

  gaps(reader: AvroSchema, writer: AvroSchema, path: string): readonly Gap[] {
    const written = branches(writer);
    const read = branches(reader);
    return written.flatMap((each) => {
      const one = meant(each, this.#writes);
      const other = read.map((branch) => meant(branch, this.#reads));
      const match =
        other.find((branch) => branch.type === one.type && sameName(branch, one)) ??
        other.find((branch) => promotions[one.type]?.includes(branch.type) === true);
      if (match === undefined) return [this.#changed(path, other, one)];
      return this.#resolved(match, one, path);
    });
  }

  #resolved(reader: Named, writer: Named, path: string): readonly Gap[] {
    if (reader.logicalType !== writer.logicalType) return [this.#changed(path, [reader], writer)];
    switch (writer.type) {
      case "array":
        return this.gaps(reader.items!, writer.items!, below(path, "*"));
      case "map":
        return this.gaps(reader.values!, writer.values!, below(path, "*"));
      case "enum":
        return this.#symbols(reader, writer, path);
      case "record":
        return this.#fields(reader, writer, path);
      default:
        return [];
    }
  }

  #symbols(reader: Named, writer: Named, path: string): readonly Gap[] {
    const unknown = writer.symbols!.filter((symbol) => !reader.symbols!.includes(symbol));
    if (unknown.length === 0 || reader.default !== undefined) return [];
    const what = `avro: ${this.#newer ? "no longer has" : "also has"} the symbol ${unknown.join(", ")}`;
    return [{ path, change: what, verdict: "breaks" }];
  }

  #fields(reader: Named, writer: Named, path: string): readonly Gap[] {
    const pair = `${fullName(reader)} ${fullName(writer)}`;
    if (this.#underWay.has(pair)) return [];
    this.#underWay.add(pair);
    return reader.fields!.flatMap((field) => {
      const names = [field.name, ...(field.aliases ?? [])];
      const sent = writer.fields!.find(({ name }) => names.includes(name));
      const place = below(path, field.jsonName ?? field.name);
      if (sent !== undefined) return this.gaps(field.type, sent.type, place);
      if (field.default !== undefined) return [];
      const change = this.#newer
        ? "avro: was added without a default"
        : "avro: was removed, and had no default";
      return [{ path: place, change, verdict: "breaks" as const }];
    });
  }

  #changed(path: string, reader: readonly Named[], writer: Named): Gap {
    const [one, other] = [reader.map(kindOf).join(" | "), kindOf(writer)];
    const [was, is] = this.#newer ? [other, one] : [one, other];
    return { path, change: `avro: was ${was}, is ${is}`, verdict: "breaks" };
  }
}

function below(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

function branches(schema: AvroSchema): readonly AvroSchema[] {
  return Array.isArray(schema) ? (schema as readonly AvroSchema[]) : [schema];
}

function meant(schema: AvroSchema, names: ReadonlyMap<string, Named>): Named {
  if (typeof schema === "string") return names.get(schema) ?? { type: schema };
  const named = schema as unknown as Named;
  return typeof named.type === "string"
    ? (names.get(named.type) ?? named)
    : meant(named.type, names);
}

/** Records, enums and fixed are told apart by their names; the namespace may be another one. */
function sameName(reader: Named, writer: Named): boolean {
  if (reader.name === undefined) return true;
  const names = [reader.name, ...(reader.aliases ?? [])].map(shortName);
  return names.includes(shortName(writer.name ?? "")) && reader.size === writer.size;
}

function shortName(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}

function fullName({ name = "", namespace = "" }: Named): string {
  return namespace === "" || name.includes(".") ? name : `${namespace}.${name}`;
}

function kindOf({ type, name, logicalType }: Named): string {
  if (name !== undefined) return `${type} ${name}`;
  return logicalType === undefined ? type : `${type} (${logicalType})`;
}

/** Every type that has a name, by that name. */
function namesIn(schema: AvroSchema): ReadonlyMap<string, Named> {
  const names = new Map<string, Named>();
  const visit = (part: unknown): void => {
    if (Array.isArray(part)) return part.forEach(visit);
    if (typeof part !== "object" || part === null) return;
    const { name, type, fields = [], items, values } = part as Named;
    if (typeof name === "string" && typeof type === "string")
      names.set(fullName(part as Named), part as Named);
    for (const inner of [type, items, values, ...fields.map((field) => field.type)]) visit(inner);
  };
  visit(schema);
  return names;
}
