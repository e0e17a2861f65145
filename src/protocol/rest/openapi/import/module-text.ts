import { isBytes, type JsonSchema } from "../../../../base/contract-shape.ts";
import { literalText } from "../../../../schema/literal-text.ts";
import { commentText, quotedText, typeName } from "../../../../schema/source-text.ts";
import { typeTexts, type TypeTexts } from "../../../../schema/type-text.ts";
import type { ImportPlan, PlannedOperation } from "./planned.ts";

/**
 * An imported contract as a TypeScript module: types, contract, binding. The document is somebody else's: what comes from it are types,
 * literals and comments, never code.
 */
export function moduleText(plan: ImportPlan, file: string): string {
  const { name, version, operations, definitions } = plan;
  const types = typeTexts(definitions);
  const constant = typeName(name);
  const members = operations.map((each) => memberText(each, types, plan));
  const about = commentText({ description: plan.description ?? plan.title }, "");
  const told = commentText(
    {
      description: `Made from ${file} by \`trunkline import openapi\`: make it anew instead of changing it.`,
    },
    "",
  );
  const pool = Object.keys(definitions).length === 0 ? "" : definitionsText(plan);
  return [
    told.trimEnd().replace(/^\/\*\* (.*) \*\/$/, "// $1"),
    importsText(plan),
    "",
    types.declarations(),
    pool,
    `${about}export const ${constant} = contract(${quotedText(name)}, { version: ${quotedText(version)} }, {`,
    members.join("\n"),
    "});",
    "",
    `/** Where its operations stand: \`rest({ bindings: [${bindingName(constant)}], versions: "none" })\`. */`,
    `export const ${bindingName(constant)} = bindRest(${constant}, ${literalText(bindingOf(plan))});`,
    "",
  ].join("\n");
}

function bindingName(constant: string): string {
  return `${constant[0]!.toLowerCase()}${constant.slice(1)}Binding`;
}

function bindingOf({ base, operations }: ImportPlan): unknown {
  const routes = operations.map(({ member, route: { method, path, ...rest } }) => [
    member,
    Object.keys(rest).length === 0 ? `${method} ${path}` : { method, path, ...rest },
  ]);
  return { ...(base === "" ? {} : { base }), routes: Object.fromEntries(routes) };
}

function importsText({ operations }: ImportPlan): string {
  const kinds = new Set(operations.map(({ shape }) => shape.kind as string));
  const raw = operations.some(({ shape }) => [shape.in, shape.out].some(isBytes));
  const schemas = operations.some(({ shape: { in: input, out, head, errors = {} } }) =>
    [input, out, head, ...Object.values(errors)].some(
      (each) => each !== undefined && each !== null && !isBytes(each),
    ),
  );
  const names = [...(raw ? ["bytes"] : []), "contract", ...kinds].toSorted();
  return [
    `import { ${names.join(", ")} } from "trunkline";`,
    `import { bindRest } from "trunkline/protocol/rest";`,
    ...(schemas ? [`import { jsonSchema } from "trunkline/schema";`] : []),
  ].join("\n");
}

/** Widened, so that the compiler does not work out the type of each. */
function definitionsText({ definitions }: ImportPlan): string {
  return `const definitions: Record<string, Record<string, unknown>> = ${literalText(definitions)};\n`;
}

function memberText(
  { member, shape, deprecated }: PlannedOperation,
  types: TypeTexts,
  plan: ImportPlan,
): string {
  const { kind, description, idempotent, key, deadlineMs, idleMs } = shape;
  const shared = Object.keys(plan.definitions).length > 0;
  const lines: string[] = [];
  for (const side of ["head", "in", "out"] as const) {
    const schema = shape[side];
    if (schema !== undefined) lines.push(`${side}: ${schemaText(schema, types, shared)}`);
  }
  const errors = Object.entries(shape.errors ?? {}).map(
    ([code, data]) =>
      `      ${code}: ${data === null ? "undefined" : schemaText(data, types, shared, "      ")},\n`,
  );
  if (errors.length > 0) lines.push(`errors: {\n${errors.join("")}    }`);
  if (idempotent !== false) lines.push(`idempotent: ${literalText(idempotent)}`);
  if (key !== undefined) lines.push(`key: ${quotedText(key)} as never`);
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
