import { isBytes, type JsonSchema, type OperationShape } from "../../base/contract-shape.ts";
import { literalText } from "../literal-text.ts";
import { commentText, quotedText } from "../source-text.ts";
import type { TypeTexts } from "../type-text.ts";

type Definitions = Readonly<Record<string, JsonSchema>>;

/** The line that begins a module, and says what it was made from and how. */
export function madeFromText(file: string, command: string): string {
  const description = `Made from ${file} by \`trunkline import ${command}\`: make it anew instead of changing it.`;
  return commentText({ description }, "")
    .trimEnd()
    .replace(/^\/\*\* (.*) \*\/$/, "// $1");
}

/** What operations need of the package: the names of its root, and whether they have schemas. */
export function importsOf(shapes: readonly OperationShape[]): {
  readonly names: readonly string[];
  readonly schemas: boolean;
} {
  const payloads = shapes.flatMap(({ in: input, out, head, errors = {} }) =>
    [input, out, head, ...Object.values(errors)].filter(
      (each): each is JsonSchema => each !== undefined && each !== null,
    ),
  );
  const kinds = new Set(shapes.map(({ kind }) => kind as string));
  const raw = payloads.some(isBytes) ? ["bytes"] : [];
  return {
    names: [...raw, "contract", ...kinds],
    schemas: payloads.some((each) => !isBytes(each)),
  };
}

/** The definitions that schemas share; nothing where there are none. Widened, so that the compiler does not work out the type of each. */
export function definitionsText(definitions: Definitions): string {
  if (Object.keys(definitions).length === 0) return "";
  return `const definitions: Record<string, Record<string, unknown>> = ${literalText(definitions)};\n`;
}

/** Of an event or a document the payload is its data. */
const payloadNames: Readonly<Record<string, string>> = { event: "data", document: "data" };

/** An operation as a member of a contract in a module. */
export function operationText(
  {
    member,
    shape,
    deprecated,
  }: { readonly member: string; readonly shape: OperationShape; readonly deprecated: boolean },
  types: TypeTexts,
  definitions: Definitions,
): string {
  const { kind, description, idempotent, key, delivery, deadlineMs, idleMs } = shape;
  const shared = Object.keys(definitions).length > 0;
  const lines: string[] = [];
  for (const side of ["head", "in", "out"] as const) {
    const schema = shape[side];
    const name = side === "in" ? (payloadNames[kind] ?? side) : side;
    if (schema !== undefined) lines.push(`${name}: ${schemaText(schema, types, shared)}`);
  }
  const errors = Object.entries(shape.errors ?? {}).map(
    ([code, data]) =>
      `      ${code}: ${data === null ? "undefined" : schemaText(data, types, shared, "      ")},\n`,
  );
  if (errors.length > 0) lines.push(`errors: {\n${errors.join("")}    }`);
  if (idempotent !== false) lines.push(`idempotent: ${literalText(idempotent)}`);
  if (key !== undefined) lines.push(`key: ${quotedText(key)} as never`);
  // A gather has one and says none, and what others do not say is this.
  if (delivery !== undefined && kind !== "gather" && delivery !== "at-least-once")
    lines.push(`delivery: ${quotedText(delivery)}`);
  if (deadlineMs !== undefined) lines.push(`deadline: ${deadlineMs}`);
  if (idleMs !== undefined) lines.push(`idle: ${idleMs}`);
  if (description !== undefined) lines.push(`description: ${quotedText(description)}`);
  const comment = commentText({ description, deprecated }, "  ");
  const body = lines.map((line) => `    ${line},\n`).join("");
  return `${comment}  ${member}: ${kind}({${body === "" ? "" : `\n${body}  `}}),`;
}

function schemaText(
  schema: JsonSchema,
  types: TypeTexts,
  shared: boolean,
  indent: string = "    ",
): string {
  if (isBytes(schema)) {
    const { maxLength } = schema;
    return typeof maxLength === "number" ? `bytes({ max: ${maxLength} })` : "bytes()";
  }
  const type = types.type(schema).replaceAll("\n", `\n${indent}`);
  const refers = shared && JSON.stringify(schema).includes('"$ref"');
  return `jsonSchema<${type}>(${literalText(schema, indent)}${refers ? ", { definitions }" : ""})`;
}
