import type { JsonSchema, OperationShape } from "../../../base/contract-shape.ts";
import type { MessageKind } from "../../../base/handler.ts";
import type { Guarantee } from "../../../base/guarantee.ts";
import { contractName, contractVersion, operationName } from "../../../schema/foreign/names.ts";
import { Schemas } from "../../../schema/foreign/schemas.ts";
import {
  fieldsOf,
  refused,
  Source,
  textIn,
  type DocumentForm,
  type Fields,
} from "../../../schema/foreign/source.ts";
import { listed, type Listed } from "./listed.ts";
import { Payloads } from "./payload.ts";

/** Operations of one document: ten times what large public ones have. */
const operationsMax = 10_000;

export interface AsyncApiImportTerms {
  /** Of the contract. Default: what the document says of itself, else its title. */
  readonly name?: string;
}

/** What becomes of a document: all that a contract and its bindings are made from. */
export interface AsyncApiPlan {
  readonly title: string;
  readonly description: string | undefined;
  readonly name: string;
  readonly version: string;
  readonly operations: readonly PlannedMessage[];
  readonly definitions: Readonly<Record<string, JsonSchema>>;
  /** What could not be taken over, and where. */
  readonly warnings: readonly string[];
}

export interface PlannedMessage {
  readonly member: string;
  readonly shape: OperationShape;
  /** The name of its channel, where that does not follow from the contract. */
  readonly channel: string | undefined;
  readonly deprecated: boolean;
}

const form: DocumentForm = {
  name: "AsyncAPI",
  dialect({ asyncapi }) {
    if (typeof asyncapi === "string" && /^(2\.[0-6]|3\.\d)(\.|$)/.test(asyncapi)) return "draft-07";
    throw refused(
      asyncapi === undefined
        ? "this is no AsyncAPI document: it does not say `asyncapi`"
        : `AsyncAPI ${JSON.stringify(asyncapi).slice(0, 40)} is not read, 2.0 to 2.6 and 3 are`,
      asyncapi === undefined ? undefined : "convert it first: npx @asyncapi/cli convert",
    );
  },
};

/** Reads a document of AsyncAPI 2 or 3. What cannot be taken over is left out and told. */
export function planAsyncApi(given: unknown, terms: AsyncApiImportTerms = {}): AsyncApiPlan {
  const source = new Source(given, form);
  const schemas = new Schemas(source);
  const payloads = new Payloads(source, schemas);
  const about = fieldsOf(source.root["info"]);
  const all = listed(source);
  if (all.length > operationsMax)
    throw refused(`the document has more than ${operationsMax} operations`);
  const own = ownContract(all);
  const name = terms.name ?? own?.name ?? contractName(textIn(about["title"]));
  const version = own?.version ?? contractVersion(source, about["version"]);
  const taken = new Set<string>();
  const operations = all.map((each) => {
    const member = operationName(each.names, "message", taken);
    taken.add(member);
    const usual = `${name}.${Number.parseInt(version, 10)}.${member}`;
    return {
      member,
      shape: shapeOf(each, payloads),
      channel: channelOf(source, each, usual),
      deprecated: each.operation["deprecated"] === true,
    };
  });
  return {
    title: textIn(about["title"]) ?? "API",
    description: textIn(about["description"]),
    name,
    version,
    operations,
    definitions: schemas.reached(operations.flatMap(({ shape }) => schemasIn(shape))),
    warnings: source.warnings,
  };
}

function schemasIn({ in: input, out, errors = {} }: OperationShape): JsonSchema[] {
  const all = [input, out, ...Object.values(errors)];
  return all.filter((each): each is JsonSchema => each !== undefined && each !== null);
}

function shapeOf(each: Listed, payloads: Payloads): OperationShape {
  const { operation, where, messages, replies } = each;
  const own = fieldsOf(operation["x-trunkline"]);
  const kind = kindOf(own["kind"], each);
  // In a document of ours what is not described carries nothing; in others it may be anything.
  const unsaid = "kind" in own ? undefined : {};
  const input = payloads.read(messages, where, unsaid);
  const answers = replies === undefined ? undefined : payloads.replies(replies, where, unsaid);
  const description = textIn(operation["description"]) ?? textIn(operation["summary"]);
  const asks = kind === "command" || kind === "gather";
  const { out, errors = {} } = asks ? (answers ?? { out: undefined }) : { out: undefined };
  return {
    kind,
    idempotent: kind === "command" ? idempotencyOf(own["idempotent"]) : false,
    delivery: kind === "gather" ? "at-most-once" : deliveryOf(own["delivery"]),
    ...(description === undefined ? {} : { description }),
    ...(kind === "gather" ? {} : keyOf(own)),
    ...(asks ? deadlineOf(own) : {}),
    ...(input === undefined ? {} : { in: input }),
    ...(out === undefined ? {} : { out }),
    ...(Object.keys(errors).length === 0 ? {} : { errors }),
  };
}

/** What has a reply is a command. Without one a message is an event, unless its channel is a queue: then it goes to one, as documents do. */
function kindOf(told: unknown, { replies, queue }: Listed): MessageKind {
  if (told === "command" || told === "document" || told === "event" || told === "gather")
    return told;
  if (replies !== undefined) return "command";
  return queue ? "document" : "event";
}

function deliveryOf(told: unknown): Guarantee {
  return told === "at-most-once" || told === "exactly-once" ? told : "at-least-once";
}

function idempotencyOf(told: unknown): OperationShape["idempotent"] {
  return told === true || told === "by-key" ? told : false;
}

function keyOf({ key }: Fields): { readonly key?: string } {
  return typeof key === "string" && /^[^.]{1,100}(\.[^.]{1,100}){0,9}$/.test(key) ? { key } : {};
}

function deadlineOf({ deadlineMs }: Fields): { readonly deadlineMs?: number } {
  return typeof deadlineMs === "number" && deadlineMs > 0 && deadlineMs < 2 ** 31
    ? { deadlineMs }
    : {};
}

/** The name of the channel, where it is one and not what it would be anyway. */
function channelOf(source: Source, { address, where }: Listed, usual: string): string | undefined {
  if (address === undefined || address === usual) return undefined;
  if (/^[A-Za-z0-9._-]{1,200}$/.test(address)) return address;
  source.warn(
    where,
    `its address ${JSON.stringify(address.slice(0, 100))} is no name of a channel: its channel is ${usual}`,
  );
  return undefined;
}

/** What Trunkline's own documents say: the contract they were made from, where it is one. */
function ownContract(all: readonly Listed[]): { name: string; version: string } | undefined {
  const marks = all.map(({ operation }) => fieldsOf(operation["x-trunkline"]));
  const { contract, version } = marks[0] ?? {};
  if (typeof contract !== "string" || !/^[a-z][a-z0-9-]{0,99}$/.test(contract)) return undefined;
  if (typeof version !== "string" || !/^(0|[1-9]\d{0,8})(\.(0|[1-9]\d{0,8})){2}$/.test(version))
    return undefined;
  const same = marks.every((each) => each["contract"] === contract && each["version"] === version);
  return same ? { name: contract, version } : undefined;
}
