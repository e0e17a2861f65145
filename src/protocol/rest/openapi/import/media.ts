import type { JsonSchema } from "../../../../base/contract-shape.ts";
import type { Schemas } from "../../../../schema/foreign/schemas.ts";
import { fieldsOf } from "../../../../schema/foreign/source.ts";

/** What a body carries, as a contract would say it. */
export interface Payload {
  readonly schema: JsonSchema;
  readonly bytes: boolean;
  /** Items, one after another. */
  readonly many: boolean;
  /** What the service wants it called, where that is not what is sent anyway. */
  readonly type: string | undefined;
  /** The document says nothing of it. */
  readonly unsaid: boolean;
}

export const bytesSchema: JsonSchema = { contentMediaType: "application/octet-stream" };

const items =
  /^(?:text\/event-stream|application\/(?:x-ndjson|ndjson|jsonl|x-jsonlines|json-seq))$/;
const itemBytes = "application/vnd.trunkline.items+octet-stream";
const itemValues = /^application\/vnd\.trunkline\.items\+json$/;
/** JSON underneath, or anything at all. */
const json = /^(?:(?:application|text)\/(?:[\w.+-]+\+)?json|\*\/\*|application\/\*)$/;

/**
 * What a `content` carries: JSON where it can be had, else items, else bytes. Undefined: nothing; `null`: only what is not written here
 * (forms).
 */
export function payloadOf(
  schemas: Schemas,
  content: unknown,
  where: string,
): Payload | undefined | null {
  const types = Object.entries(fieldsOf(content)).map(
    ([type, media]) =>
      [type.split(";")[0]!.trim().toLowerCase(), fieldsOf(media)["schema"]] as const,
  );
  if (types.length === 0) return undefined;
  const find = (pattern: RegExp) => types.find(([type]) => pattern.test(type));
  const plain = find(/^application\/json$/) ?? find(json);
  if (plain !== undefined && !isBinary(plain[1]))
    return {
      schema: schemas.read(plain[1] ?? {}, where),
      bytes: false,
      many: false,
      unsaid: plain[1] === undefined,
      type: ownType(plain[0]),
    };
  const many = find(items) ?? find(itemValues);
  if (many !== undefined)
    return {
      schema: schemas.read(many[1] ?? {}, where),
      bytes: false,
      many: true,
      unsaid: many[1] === undefined,
      // What is sent are lines, whatever they are called.
      type: many[0].endsWith("l") || many[0].endsWith("ines") ? ownType(many[0]) : undefined,
    };
  if (types.some(([type]) => type === itemBytes))
    return { schema: bytesSchema, bytes: true, many: true, unsaid: false, type: undefined };
  const whole = types.find(
    ([type]) => !/^(?:multipart\/|application\/x-www-form-urlencoded)/.test(type),
  );
  if (whole === undefined) return null;
  const { maxLength } = fieldsOf(whole[1]);
  const bound = typeof maxLength === "number" ? { maxLength } : {};
  return {
    schema: { ...bytesSchema, ...bound },
    bytes: true,
    many: false,
    unsaid: false,
    type: ownType(whole[0]),
  };
}

const usual: ReadonlySet<string> = new Set([
  "application/json",
  "application/octet-stream",
  "application/x-ndjson",
]);

function ownType(type: string): string | undefined {
  const plain = /^[\w.+-]+\/[\w.+-]+$/.test(type) && !itemValues.test(type);
  return plain && !usual.has(type) ? type : undefined;
}

/** As 3.0 writes bytes, whatever the media type. */
function isBinary(schema: unknown): boolean {
  return fieldsOf(schema)["format"] === "binary";
}
