import {
  definitionsText,
  importsOf,
  madeFromText,
  operationText,
} from "../../../../schema/foreign/operation-text.ts";
import { literalText } from "../../../../schema/literal-text.ts";
import { commentText, quotedText, typeName } from "../../../../schema/source-text.ts";
import { typeTexts } from "../../../../schema/type-text.ts";
import type { ImportPlan } from "./planned.ts";

/**
 * An imported contract as a TypeScript module: types, contract, binding. The document is somebody else's: what comes from it are types,
 * literals and comments, never code.
 */
export function moduleText(plan: ImportPlan, file: string): string {
  const { name, version, operations, definitions } = plan;
  const types = typeTexts(definitions);
  const constant = typeName(name);
  const members = operations.map((each) => operationText(each, types, definitions));
  const about = commentText({ description: plan.description ?? plan.title }, "");
  return [
    madeFromText(file, "openapi"),
    importsText(plan),
    "",
    types.declarations(),
    definitionsText(definitions),
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
  const { names, schemas } = importsOf(operations.map(({ shape }) => shape));
  return [
    `import { ${names.toSorted().join(", ")} } from "trunkline";`,
    `import { bindRest } from "trunkline/protocol/rest";`,
    ...(schemas ? [`import { jsonSchema } from "trunkline/schema";`] : []),
  ].join("\n");
}
