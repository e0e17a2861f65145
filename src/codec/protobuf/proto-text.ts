import { importsOf, type MethodModel, type ServiceModel } from "./descriptor.ts";
import { jsonNameOfField, needsOptional } from "./fields.ts";
import type {
  EnumModel,
  FieldModel,
  FieldType,
  MessageModel,
  ProtoModel,
  Reserved,
} from "./model.ts";
import { jsonNameOf } from "./names.ts";

/** The .proto file, in the form that `buf format` gives it. */
export function protoText(model: ProtoModel, service: ServiceModel, about: string): string {
  const imports = importsOf(model).map((path) => `import "${path}";`);
  const blocks = [
    `${comment(about, "")}syntax = "proto3";`,
    `package ${model.package};`,
    ...(imports.length === 0 ? [] : [imports.join("\n")]),
    serviceText(service),
    ...model.messages.map(messageText),
    ...model.enums.map(enumText),
  ];
  return `${blocks.join("\n\n")}\n`;
}

function serviceText({ name, methods }: ServiceModel): string {
  return `service ${name} ${braces(methods.map(methodText))}`;
}

function methodText(method: MethodModel): string {
  const { name, input, output, clientStreaming, serverStreaming, comment: about } = method;
  const takes = `${clientStreaming ? "stream " : ""}${input.name}`;
  const answers = `${serverStreaming ? "stream " : ""}${output.name}`;
  const options = method.idempotent ? " {\n    option idempotency_level = IDEMPOTENT;\n  }" : ";";
  return `${comment(about, "  ")}  rpc ${name}(${takes}) returns (${answers})${options}`;
}

function messageText({ name, fields, reserved = [], comment: about }: MessageModel): string {
  const lines = [
    ...reservedLines(
      reserved,
      fields.map((field) => field.name),
    ),
  ];
  const oneofs = new Map<string, FieldModel[]>();
  for (const field of fields) {
    const { oneof } = field;
    if (oneof === undefined) {
      lines.push(fieldText(field, "  "));
      continue;
    }
    let members = oneofs.get(oneof);
    if (members === undefined) oneofs.set(oneof, (members = []));
    members.push(field);
  }
  for (const [oneof, members] of oneofs) {
    const inner = members.map((field) => fieldText(field, "    "));
    lines.push(`  oneof ${oneof} {\n${inner.join("\n")}\n  }`);
  }
  return `${comment(about, "")}message ${name} ${braces(lines)}`;
}

function fieldText(field: FieldModel, indent: string): string {
  const { name, number, type, rule, mapKey = "string", comment: about } = field;
  const typed = typeText(type);
  const label =
    rule === "map"
      ? `map<${mapKey}, ${typed}>`
      : rule === "repeated"
        ? `repeated ${typed}`
        : needsOptional(field)
          ? `optional ${typed}`
          : typed;
  const json = jsonNameOfField(field);
  const options = json === jsonNameOf(name) ? "" : ` [json_name = ${JSON.stringify(json)}]`;
  return `${comment(about, indent)}${indent}${label} ${name} = ${number}${options};`;
}

function enumText({ name, values, reserved = [], comment: about }: EnumModel): string {
  const lines = values.map((value) => `  ${value.name} = ${value.number};`);
  const names = values.map((value) => value.name);
  return `${comment(about, "")}enum ${name} ${braces([...reservedLines(reserved, names), ...lines])}`;
}

function reservedLines(reserved: readonly Reserved[], names: readonly string[]): string[] {
  if (reserved.length === 0) return [];
  const numbers = reserved.map(({ number }) => number).toSorted((a, b) => a - b);
  const free = reserved
    .map(({ name }) => name)
    .filter((name) => name !== "" && !names.includes(name));
  const lines = [`  reserved ${numbers.join(", ")};`];
  if (free.length > 0)
    lines.push(`  reserved ${[...new Set(free)].map((name) => JSON.stringify(name)).join(", ")};`);
  return lines;
}

function typeText(type: FieldType): string {
  switch (type.kind) {
    case "scalar":
      return type.scalar;
    case "enum":
      return type.enum.name;
    case "message":
      return type.message.name;
    case "well-known":
      return `google.protobuf.${type.name}`;
  }
}

function braces(lines: readonly string[]): string {
  return lines.length === 0 ? "{}" : `{\n${lines.join("\n")}\n}`;
}

function comment(text: string | undefined, indent: string): string {
  if (text === undefined) return "";
  const lines = text.trim().split(/\r?\n/);
  return lines.map((line) => `${indent}// ${line}`.trimEnd() + "\n").join("");
}
