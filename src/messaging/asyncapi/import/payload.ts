import { isBytes, type JsonSchema } from "../../../base/contract-shape.ts";
import { isSystemCode } from "../../../base/outcome.ts";
import { isRecord } from "../../../schema/dialect.ts";
import type { Schemas } from "../../../schema/foreign/schemas.ts";
import { fieldsOf, textIn, type Fields, type Source } from "../../../schema/foreign/source.ts";

/** Formats of schemas that are read: AsyncAPI's own, and what it is made from. */
const readable = /^application\/(vnd\.aai\.asyncapi|schema)(;|\+json|\+yaml|$)/;

/** Reads what messages carry. */
export class Payloads {
  readonly #source: Source;
  readonly #schemas: Schemas;

  constructor(source: Source, schemas: Schemas) {
    this.#source = source;
    this.#schemas = schemas;
  }

  /**
   * What messages carry: of several, one of what they carry. Undefined: nothing. `unsaid` is what a message carries that says nothing of it.
   */
  read(
    messages: readonly Fields[],
    where: string,
    unsaid: JsonSchema | undefined,
  ): JsonSchema | undefined {
    const all = messages.map((each) => this.#payload(each, where, unsaid));
    if (all.length === 0) return unsaid;
    if (all.length === 1 || all.every(isBytes)) return all[0];
    const values = all.filter((each) => each !== undefined && !isBytes(each));
    if (values.length < all.length)
      this.#source.warn(
        where,
        "of its messages those that are bytes, or carry nothing, are left out",
      );
    return values.length === 1 ? values[0] : { anyOf: values };
  }

  #payload(message: Fields, where: string, unsaid: JsonSchema | undefined): JsonSchema | undefined {
    const { payload, contentType = this.#source.root["defaultContentType"] } = message;
    const type = textIn(contentType) ?? "application/json";
    const { format, schema } = this.#formatted(message, payload);
    if (format !== undefined && !readable.test(format)) {
      this.#source.warn(
        where,
        `its payload is not checked: schemas in ${format.slice(0, 80)} are not read`,
      );
      return /json/.test(type) ? {} : bytesOf({});
    }
    if (type.startsWith("application/octet-stream") || isBytes(fieldsOf(schema)))
      return bytesOf(fieldsOf(schema));
    if (schema === undefined) return unsaid;
    return this.#schemas.read(schema, where);
  }

  /** A payload says itself how its schema is written, before 3.0 its message does. */
  #formatted(message: Fields, payload: unknown): { format: string | undefined; schema: unknown } {
    const told = this.#source.follow(payload);
    if (told !== undefined && "schemaFormat" in told && "schema" in told)
      return { format: textIn(told["schemaFormat"]), schema: told["schema"] };
    return { format: textIn(message["schemaFormat"]), schema: payload };
  }

  /** What comes back, and the declared errors: of documents of ours, which mark them. */
  replies(
    messages: readonly Fields[],
    where: string,
    unsaid: JsonSchema | undefined,
  ): {
    readonly out: JsonSchema | undefined;
    readonly errors: Readonly<Record<string, JsonSchema | null>>;
  } {
    const good = messages.filter((each) => !isRecord(each["x-trunkline"]));
    const errors = messages.flatMap((each): [string, JsonSchema | null][] => {
      const { code } = fieldsOf(each["x-trunkline"]);
      if (typeof code !== "string" || code.length > 100 || isSystemCode(code)) return [];
      if (!/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/.test(code)) return [];
      const properties = fieldsOf(this.#source.follow(each["payload"])?.["properties"]);
      const { data } = properties;
      return [[code, data === undefined ? null : this.#schemas.read(data, `${where} ${code}`)]];
    });
    return {
      out: good.length === 0 ? undefined : this.read(good, `${where} reply`, unsaid),
      errors: Object.fromEntries(errors),
    };
  }
}

function bytesOf({ maxLength }: Fields): JsonSchema {
  const bound = typeof maxLength === "number" ? { maxLength } : {};
  return { contentMediaType: "application/octet-stream", ...bound };
}
