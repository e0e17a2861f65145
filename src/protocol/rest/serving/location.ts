import type { JsonSchema } from "../../../base/contract-shape.ts";
import { formOf } from "../binding/fields.ts";
import type { Route } from "../route.ts";

/** Where what an output tells of is found, without version; undefined when the output does not say. */
export type Locate = (output: unknown) => string | undefined;

/**
 * Where what was created is found: at the GET that needs one identity and nothing else, when the output has a field of that
 * name, or `id`.
 */
export function locationOf(
  siblings: readonly Route[],
  out: JsonSchema | undefined,
): Locate | undefined {
  const read = siblings.find(
    ({ method, answer, params }) =>
      method === "GET" &&
      answer === "whole" &&
      params.filter(({ in: where }) => where === "path").length === 1 &&
      params.every(({ in: where, required }) => where === "path" || !required),
  );
  const form = formOf(out);
  if (read === undefined || form.is !== "object") return undefined;
  const identity = read.params.find(({ in: where }) => where === "path")!;
  const field = [identity.field ?? "id", identity.name, "id"].find((name) => form.fields.has(name));
  if (field === undefined) return undefined;
  return (output) => {
    const value = (output as Readonly<Record<string, unknown>> | null | undefined)?.[field];
    if (typeof value !== "string" && typeof value !== "number") return undefined;
    return read.path.replace(`{${identity.name}}`, encodeURIComponent(value));
  };
}
