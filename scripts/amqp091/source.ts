// Makes src/wire/amqp091/methods.ts of the grammar that RabbitMQ publishes (rabbitmq/rabbitmq-codegen, MIT; its licence stands in it).
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..", "..");

interface Argument {
  readonly name: string;
  readonly type?: string;
  readonly domain?: string;
}

interface Method {
  readonly id: number;
  readonly name: string;
  readonly content?: boolean;
  readonly arguments: readonly Argument[];
}

interface Grammar {
  readonly domains: readonly (readonly [string, string])[];
  readonly constants: readonly {
    readonly name: string;
    readonly value: number;
    readonly class?: "soft-error" | "hard-error";
  }[];
  readonly classes: readonly {
    readonly id: number;
    readonly name: string;
    readonly methods: readonly Method[];
    readonly properties?: readonly Argument[];
  }[];
}

/** The file that is made. */
export const generated: string = join(root, "src/wire/amqp091/methods.ts");

const head = `// Made by scripts/amqp091/main.ts of the published grammar; change nothing here.

/** How a field of a method stands on the wire. */
export type FieldKind = "bit" | "octet" | "short" | "long" | "longlong" | "shortstr" | "longstr" | "table" | "timestamp";

/** A method: class number above, method number below, and its fields in their order. */
export interface Method {
  readonly id: number;
  /** A content header and a body follow it. */
  readonly content?: true;
  readonly fields: Readonly<Record<string, FieldKind>>;
}
`;

/** What that file has to say. */
export function source(): string {
  const grammar = JSON.parse(
    readFileSync(join(import.meta.dirname, "amqp-rabbitmq-0.9.1.json"), "utf8"),
  ) as Grammar;
  const domains = new Map(grammar.domains);
  const kind = ({ type, domain }: Argument): string => {
    const found = domains.get(type ?? domain ?? "");
    if (found === undefined) throw new Error(`the grammar has no type ${type ?? domain}`);
    return found;
  };
  const fields = (list: readonly Argument[]): string =>
    `{ ${list.map((each) => `${camel(each.name)}: "${kind(each)}"`).join(", ")} }`;
  const methods = grammar.classes.flatMap((each) =>
    each.methods.map((method) => {
      const id = `0x${((each.id << 16) | method.id).toString(16).padStart(8, "0")}`;
      const content = method.content === true ? " content: true," : "";
      return `"${each.name}.${method.name}": { id: ${id},${content} fields: ${fields(method.arguments)} },`;
    }),
  );
  const replies = grammar.constants.filter((each) => each.class !== undefined);
  const basic = grammar.classes.find((each) => each.name === "basic")!;
  return formatted(
    [
      head,
      "/** All methods, by class and name. */",
      `export const methods = {\n${methods.join("\n")}\n} as const;`,
      "",
      "/** The reply codes of errors; those of hard ones close the connection, of soft ones the channel. */",
      `export const replies = {\n${replies.map(reply).join("\n")}\n} as const;`,
      "",
      "/** The properties of a message, in the order of their flags, the highest bit first. */",
      `export const properties = ${fields(basic.properties ?? [])} as const;`,
      "",
    ].join("\n"),
  );
}

function reply({ name, value, class: error }: Grammar["constants"][number]): string {
  return `${name.replaceAll("-", "_")}: { code: ${value}, hard: ${error === "hard-error"} },`;
}

function camel(name: string): string {
  return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function formatted(text: string): string {
  const formatter = join(root, "node_modules/oxfmt/bin/oxfmt");
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [formatter, "--stdin-filepath", generated],
    { input: text, encoding: "utf8", cwd: root },
  );
  if (status !== 0) throw new Error(`the formatter failed: ${stderr}`);
  return stdout;
}
