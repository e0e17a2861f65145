import type { JsonSchema } from "../../../base/contract-shape.ts";
import { versionedMediaType } from "../binding/versions.ts";
import { itemsMediaType } from "../wire/envelope.ts";
import type { Place } from "./place.ts";

/** Bytes are what the schema does not say: 3.1 has an empty schema for them, here with their bound. */
export function bytesSchema(schema: JsonSchema | undefined): JsonSchema {
  return schema ?? { contentMediaType: "application/octet-stream" };
}

/** Items by media type. */
export function itemsContent(
  schema: JsonSchema | "bytes" | undefined,
  envelopesOnly: boolean,
): Record<string, unknown> {
  if (schema === "bytes") {
    const bytes = { schema: { contentMediaType: "application/octet-stream" } };
    const enveloped = { [itemsMediaType("octet-stream")]: bytes };
    return envelopesOnly ? enveloped : { "application/octet-stream": bytes, ...enveloped };
  }
  const each = schema === undefined ? {} : { schema };
  const enveloped = { [itemsMediaType("json")]: each };
  return envelopesOnly ? enveloped : { "application/x-ndjson": each, ...enveloped };
}

/** One value by media type. */
export function contentOf(
  { mediaTypes, versions, shape, major }: Place,
  schema: JsonSchema,
): Record<string, { readonly schema: JsonSchema }> {
  const versioned = versions.mediaType ? [versionedMediaType(shape.name, major, "json")] : [];
  return Object.fromEntries([...mediaTypes, ...versioned].map((type) => [type, { schema }]));
}
