import {
  definitionsText,
  importsOf,
  madeFromText,
  operationText,
} from "../../../schema/foreign/operation-text.ts";
import { commentText, quotedText, typeName } from "../../../schema/source-text.ts";
import { typeTexts } from "../../../schema/type-text.ts";
import type { AsyncApiPlan } from "./plan.ts";

/**
 * An imported contract as a TypeScript module: types, contract, bindings. The document is somebody else's: what comes from it are types,
 * literals and comments, never code.
 */
export function messageModuleText(plan: AsyncApiPlan, file: string): string {
  const { name, version, operations, definitions } = plan;
  const types = typeTexts(definitions);
  const constant = typeName(name);
  const members = operations.map((each) => operationText(each, types, definitions));
  return [
    madeFromText(file, "asyncapi"),
    importsText(plan),
    "",
    types.declarations(),
    definitionsText(definitions),
    `${commentText({ description: plan.description ?? plan.title }, "")}export const ${constant} = contract(${quotedText(name)}, { version: ${quotedText(version)} }, {`,
    members.join("\n"),
    "});",
    "",
    ...bindingsText(plan, constant),
  ].join("\n");
}

function importsText(plan: AsyncApiPlan): string {
  const { names, schemas } = importsOf(plan.operations.map(({ shape }) => shape));
  const bound = plan.operations.some(({ channel }) => channel !== undefined) ? ["bind"] : [];
  return [
    `import { ${[...bound, ...names].toSorted().join(", ")} } from "trunkline";`,
    ...(schemas ? [`import { jsonSchema } from "trunkline/schema";`] : []),
  ].join("\n");
}

/** The channels whose names do not follow from the contract. */
function bindingsText({ operations }: AsyncApiPlan, constant: string): string[] {
  const bound = operations.filter(({ channel }) => channel !== undefined);
  if (bound.length === 0) return [];
  const list = `${constant[0]!.toLowerCase()}${constant.slice(1)}Bindings`;
  return [
    `/** Where its messages go: \`chassis({ bindings: ${list} })\`. */`,
    `export const ${list} = [`,
    ...bound.map(
      ({ member, channel }) =>
        `  bind(${constant}.${member}, { channel: ${quotedText(channel!)} }),`,
    ),
    "];",
    "",
  ];
}
