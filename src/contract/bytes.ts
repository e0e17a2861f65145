import type { Schema, Validation } from "./schema.ts";

/** How a payload is written: as JSON, or as the bytes that were given. */
export type Codec = "json" | "raw";

const raw = Symbol.for("trunkline.raw");

export interface BytesOptions {
  /** The most bytes that one payload may have. Default: no bound but the connection's own on messages and items. */
  readonly max?: number;
}

/**
 * A payload that is bytes: it travels as it is, without JSON and without a copy more than needed.
 * Only for a whole `head`, `in` or `out`; bytes inside JSON want base64 text.
 */
export function bytes(options: BytesOptions = {}): Schema<Uint8Array> {
  const { max } = options;
  const bounded = max === undefined ? {} : { maxLength: max };
  const jsonSchema = (): Record<string, unknown> => ({
    contentMediaType: "application/octet-stream",
    ...bounded,
  });
  const schema: Schema<Uint8Array> & { readonly [raw]: true } = {
    "~standard": {
      version: 1,
      vendor: "trunkline",
      validate: (value) => readBytes(value, max),
      jsonSchema: { input: jsonSchema, output: jsonSchema },
    },
    [raw]: true,
  };
  return Object.freeze(schema);
}

/** How a payload of this schema travels. */
export function codecOf(schema: unknown): Codec {
  return typeof schema === "object" && schema !== null && raw in schema ? "raw" : "json";
}

function readBytes(value: unknown, max: number | undefined): Validation<Uint8Array> {
  if (!(value instanceof Uint8Array)) return { issues: [{ message: "expected a Uint8Array" }] };
  if (max !== undefined && value.byteLength > max) {
    return { issues: [{ message: `expected at most ${max} bytes, got ${value.byteLength}` }] };
  }
  return { value };
}
