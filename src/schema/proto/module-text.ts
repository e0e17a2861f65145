import type { DescMessage, DescService } from "@bufbuild/protobuf";
import { pascal } from "../../codec/protobuf/names.ts";
import { wellKnownOf } from "../../codec/protobuf/imported-model.ts";
import { commentText, quotedText } from "../source-text.ts";
import { typeTexts, type TypeTexts } from "../type-text.ts";
import { commentOf } from "./comments.ts";
import { contractNameOf, isIdempotent, kindOf, membersOf } from "./members.ts";
import type { Files } from "./proto-files.ts";

/** The length of a line of the descriptors. */
const chunkChars = 100;

/**
 * A TypeScript module with a contract for each service: types of all messages, and the files themselves as descriptors. What
 * the files call things ends up in types, texts and comments, never in code.
 */
export function moduleText(files: Files, about: string): string {
  for (const { methods } of files.services)
    for (const { input, output } of methods)
      for (const each of [input, output]) files.schemas.of(each);
  const texts = typeTexts(files.schemas.received());
  const names = new Set<string>();
  const contracts = files.services.map((service) => {
    const name = pascal(service.name);
    let free = name;
    for (let count = 2; names.has(free); count++) free = `${name}${count}`;
    names.add(free);
    return contractText(service, free, files, texts);
  });
  const kinds = new Set(files.services.flatMap(({ methods }) => methods.map(kindOf)));
  return `// ${about.replaceAll(/\s+/g, " ")}
import { ${["contract", ...kinds].toSorted().join(", ")} } from "trunkline/contract";
import { protoFiles } from "trunkline/schema/proto";

/** The .proto files as descriptors. */
const files = protoFiles(
${chunks(files.text())},
);

${texts.declarations()}
${contracts.join("\n")}`;
}

function contractText(service: DescService, own: string, files: Files, texts: TypeTexts): string {
  const { name, version } = contractNameOf(service);
  const operations = [...membersOf(service)].map(([member, method]) => {
    const description = commentOf(method);
    const terms = [
      ...payloadText("in", method.input, files, texts),
      ...payloadText("out", method.output, files, texts),
      ...(isIdempotent(method) ? ["idempotent: true"] : []),
      ...(description === undefined ? [] : [`description: ${quotedText(description)}`]),
    ];
    const lines = terms.map((term) => `      ${term},\n`).join("");
    return `    ${member}: ${kindOf(method)}({\n${lines}    }),\n`;
  });
  const comment = commentText({ description: commentOf(service) }, "");
  return `${comment}export const ${own} = contract(
  ${quotedText(name)},
  { version: ${quotedText(version)} },
  {
${operations.join("")}  },
);

${commentText({ description: `The names and numbers of ${service.typeName}, for those that speak Protobuf with it.` }, "")}export const ${own}Proto = files.service(${quotedText(service.typeName)}, ${own});
`;
}

function payloadText(
  side: "in" | "out",
  message: DescMessage,
  files: Files,
  texts: TypeTexts,
): string[] {
  if (wellKnownOf(message.typeName) === "Empty") return [];
  const type = texts.type(files.schemas.of(message));
  return [`${side}: files.schema<${type}>(${quotedText(message.typeName)})`];
}

function chunks(text: string): string {
  const lines = text.match(new RegExp(`.{1,${chunkChars}}`, "g")) ?? [];
  return lines.map((line) => `  ${quotedText(line)}`).join(" +\n");
}
