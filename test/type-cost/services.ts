// Writes the services whose type-checking is measured, in each of the ways that are compared.

/** How a service is written; what is compared with what stands in ../type-cost.test.ts. */
export type Way = keyof typeof ways;

export interface SourceFile {
  readonly name: string;
  readonly text: string;
}

type Kind = "call" | "stream" | "notification";

/** The operations of every service. */
const kinds: readonly Kind[] = [
  "call",
  "call",
  "call",
  "call",
  "call",
  "call",
  "stream",
  "stream",
  "notification",
];

export const operationsPerService: number = kinds.length;

const ways = {
  /** Every schema with its input and its output type, both looked into. */
  resolved: resolvedService,
  /** The signatures that a client has, written by hand from the schemas, every operation called. */
  byHand: (service: number) => [schemas(service), clientByHand(), calls(service)],
  /** Contract and client, every operation called. */
  contract: (service: number) => [schemas(service), contract(service), calls(service)],
  /** That, and every handler too. */
  served: (service: number) => [
    schemas(service),
    contract(service),
    calls(service),
    handlers(service),
  ],
} satisfies Record<string, (service: number) => readonly string[]>;

/** One file for each service. No two services have a type in common, as in a real program. */
export function services(way: Way, count: number): SourceFile[] {
  return Array.from({ length: count }, (_, service) => ({
    name: `service${service}.ts`,
    text: ways[way](service).join("\n"),
  }));
}

function each(write: (kind: Kind, operation: number) => string): string {
  return kinds.map(write).join("\n");
}

function schemas(service: number): string {
  const declared = each((kind, operation) => {
    const own = `of${service}and${operation}`;
    const input = `const In${operation} = z.object({ id: z.string(), count: z.number().int(), ${own}: z.string().optional(), tags: z.array(z.string()), place: z.object({ lat: z.number(), lon: z.number() }) });`;
    if (kind === "notification") return input;
    return `${input}
const Out${operation} = z.object({ id: z.string(), state: z.enum(["placed", "sent"]), ${own}: z.number(), at: z.iso.datetime(), items: z.array(z.object({ sku: z.string(), price: z.number() })) });
const Error${operation} = z.object({ id: z.string(), ${own}: z.boolean() });`;
  });
  return `import * as z from "zod";\n${declared}`;
}

const givenBy = (service: number, operation: number): string =>
  `{ id: "a", count: 1, of${service}and${operation}: "b", tags: [], place: { lat: 1, lon: 2 } }`;

const answeredBy = (service: number, operation: number): string =>
  `{ id: "a", state: "sent", of${service}and${operation}: 1, at: "", items: [] }`;

function resolvedService(service: number): string[] {
  const names = (kind: Kind): string[] =>
    kind === "notification" ? ["In"] : ["In", "Out", "Error"];
  const resolved = each((kind, operation) =>
    names(kind)
      .map(
        (name) => `declare const in${name}${operation}: z.input<typeof ${name}${operation}>;
declare const out${name}${operation}: z.output<typeof ${name}${operation}>;
export const of${name}${operation} = [in${name}${operation}.of${service}and${operation}, out${name}${operation}.of${service}and${operation}];`,
      )
      .join("\n"),
  );
  return [schemas(service), resolved];
}

function clientByHand(): string {
  const failure = (operation: number): string =>
    `{ ok: false; error: { code: "NOT_FOUND"; data: z.output<typeof Error${operation}> } | { code: "UNAVAILABLE" | "INTERNAL"; data: unknown } }`;
  const signatures = each((kind, operation) => {
    const given = `(input: z.input<typeof In${operation}>)`;
    const answer = `z.output<typeof Out${operation}>`;
    if (kind === "notification") return `op${operation}${given}: Promise<void>;`;
    if (kind === "stream") return `op${operation}${given}: AsyncIterable<${answer}>;`;
    return `op${operation}: { ${given}: Promise<${answer}>; result${given}: Promise<{ ok: true; value: ${answer} } | ${failure(operation)}> };`;
  });
  return `declare const service: {\n${signatures}\n};`;
}

function contract(service: number): string {
  const operations = each((kind, operation) => {
    const given = `in: In${operation}`;
    if (kind === "notification")
      return `op${operation}: notification({ ${given}, key: "place.lat" }),`;
    const answered = `${given}, out: Out${operation}, errors: { NOT_FOUND: Error${operation} }`;
    if (kind === "stream") return `op${operation}: stream({ ${answered} }),`;
    return `op${operation}: call({ ${answered}, idempotent: "by-key" }),`;
  });
  return `import { call, client, contract, notification, serve, stream } from "trunkline";
export const Service = contract("service${service}", { version: "1.0.0" }, {\n${operations}\n});
const service = client(Service, "unix:service${service}");
void serve;`;
}

function calls(service: number): string {
  return each((kind, operation) => {
    const call = `service.op${operation}`;
    const given = `(${givenBy(service, operation)})`;
    const own = `of${service}and${operation}`;
    if (kind === "notification") return `await ${call}${given};`;
    if (kind === "stream") return `for await (const item of ${call}${given}) item.${own};`;
    return `export const answer${operation} = (await ${call}${given}).${own};
const result${operation} = await ${call}.result${given};
if (!result${operation}.ok && result${operation}.error.code === "NOT_FOUND") result${operation}.error.data.${own};`;
  });
}

function handlers(service: number): string {
  const methods = each((kind, operation) => {
    const own = `of${service}and${operation}`;
    if (kind === "notification") return `op${operation}(input) { void input.${own}; },`;
    const answer = answeredBy(service, operation);
    if (kind === "stream")
      return `async *op${operation}(input) { void input.${own}; yield ${answer}; },`;
    return `async op${operation}(input, { errors }) { if (input.${own} === "") throw errors.NOT_FOUND({ id: "", ${own}: true }); return ${answer}; },`;
  });
  return `export const served = serve(Service, {\n${methods}\n});`;
}
