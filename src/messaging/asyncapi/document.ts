import type { JsonSchema } from "../../base/contract-shape.ts";
import { attribute } from "../../broker/attributes.ts";
import { membersOf } from "../../call/compile.ts";
import { info, type AnyContract } from "../../contract/contract.ts";
import { describe } from "../../contract/describe.ts";
import { aKind, isMessage } from "../../contract/kinds.ts";
import { Components } from "../../protocol/rest/openapi/components.ts";
import { toDraft07 } from "../../schema/draft-07.ts";
import { Channels, type Binding } from "../channels.ts";
import { channelBindings, operationBindings } from "./bindings.ts";
import {
  headerName,
  headersName,
  headersSchema,
  protocols as allProtocols,
  type HeaderRole,
} from "./headers.ts";
import { answered, failure, Messages, uses, type Described, type Fields } from "./messages.ts";
import { protocolOf, serversAt, type ServerObject } from "./servers.ts";

/** What an AsyncAPI document says beside what the contracts say. */
export interface AsyncApiTerms {
  /** Default: the names of the contracts. */
  readonly title?: string;
  /** Markdown. Default none. */
  readonly description?: string;
  /** Of the document. Default: the version of the contract, or the highest of several. */
  readonly version?: string;
  /**
   * The brokers, by name: `{ production: "amqp://rabbit.example.org" }`. Credentials are left out. Default none: headers and bindings are
   * then described for RabbitMQ and for Kafka.
   */
  readonly servers?: Readonly<Record<string, string>>;
  /** How channels are laid out, as `chassis({ bindings })` is given it. Default: each by its operation. */
  readonly bindings?: readonly Binding[];
  /** Under which it may be used. Default: none is named. */
  readonly license?: { readonly name: string; readonly url?: string };
}

/** An AsyncAPI 3.0 document (https://www.asyncapi.com/docs/reference/specification/v3.0.0), as plain JSON. */
export interface AsyncApiDocument {
  readonly asyncapi: string;
  readonly info: Fields;
  readonly defaultContentType: string;
  readonly servers?: Readonly<Record<string, ServerObject>>;
  readonly channels: Readonly<Record<string, Fields>>;
  readonly operations: Readonly<Record<string, Fields>>;
  readonly components: Fields;
}

/**
 * The AsyncAPI document of what contracts send as messages; calls and streams are not in it. It speaks for the owner of the contracts,
 * who sends events and questions, and receives documents and commands. What AsyncAPI has no word for stands under `x-trunkline`, so
 * that `importAsyncApi` makes the same contract of it.
 *
 * @throws TrunklineError INVALID_ARGUMENT for a server that is no address of a broker, or a binding that cannot be meant.
 */
export function asyncApi(
  contracts: readonly AnyContract[],
  terms: AsyncApiTerms = {},
): AsyncApiDocument {
  const servers = serversAt(terms.servers ?? {});
  const protocols = protocolsOf(Object.values(servers));
  const described = describedIn(contracts, new Channels(terms.bindings ?? []));
  const components = new Components(["Failure", ...headerNames(protocols)]);
  for (const each of described)
    for (const [schema, names] of uses(each)) components.learn(schema, names);
  const messages = new Messages(components, protocols);
  const parts = described.map((each) => partsOf(each, messages, protocols));
  const headers = headersIn(described, protocols);
  const failures = described.some(({ shape }) => answered(shape))
    ? { Failure: failure({ type: "string" }, undefined) }
    : {};
  const schemas = Object.entries(components.schemas).map(([name, schema]) => [
    name,
    toDraft07(schema),
  ]);
  return {
    asyncapi: "3.0.0",
    info: infoOf(contracts, terms),
    defaultContentType: "application/json",
    ...(Object.keys(servers).length === 0 ? {} : { servers }),
    channels: Object.assign({}, ...parts.map(({ channels }) => channels)) as Record<string, Fields>,
    operations: Object.fromEntries(parts.map(({ id, operation }) => [id, operation])),
    components: {
      schemas: { ...headers, ...failures, ...Object.fromEntries(schemas) },
      messages: Object.assign({}, ...parts.map((each) => each.messages)) as Fields,
    },
  };
}

function describedIn(contracts: readonly AnyContract[], channels: Channels): Described[] {
  const majors = Map.groupBy(contracts, (each) => each[info].name);
  return contracts.flatMap((contract) => {
    const { name, version, major } = contract[info];
    const { operations } = describe(contract);
    const prefix = majors.get(name)!.length > 1 ? `${name}.v${major}` : name;
    return membersOf(contract)
      .filter(({ operation }) => isMessage(operation.kind))
      .map((member) => ({
        contract: name,
        version,
        member: member.name,
        id: `${prefix}.${member.name}`,
        type: member.operation.name,
        shape: operations[member.name]!,
        channel: channels.of(member),
      }));
  });
}

interface Parts {
  readonly id: string;
  readonly channels: Readonly<Record<string, Fields>>;
  readonly operation: Fields;
  /** By the names under which they stand in the document. */
  readonly messages: Readonly<Record<string, Fields>>;
}

function partsOf(described: Described, messages: Messages, protocols: readonly string[]): Parts {
  const { id, member, channel, shape } = described;
  const replies = messages.replies(described);
  const replyId = `${id}.replies`;
  const names = Object.keys(replies).map((name) => [name, `${id}.${name}`] as const);
  const action = shape.kind === "event" || shape.kind === "gather" ? "send" : "receive";
  return {
    id,
    channels: {
      [id]: {
        address: channel.name,
        title: member,
        description: channelText(described),
        messages: { [member]: { $ref: `#/components/messages/${id}` } },
        bindings: channelBindings(channel, protocols),
      },
      ...(names.length === 0
        ? {}
        : {
            [replyId]: {
              // Whoever asks says where: it is known when it runs.
              address: null,
              title: `replies to ${member}`,
              messages: Object.fromEntries(
                names.map(([name, whole]) => [name, { $ref: `#/components/messages/${whole}` }]),
              ),
            },
          }),
    },
    operation: {
      action,
      channel: { $ref: `#/channels/${id}` },
      title: member,
      ...(shape.description === undefined ? {} : { description: shape.description }),
      messages: [{ $ref: `#/channels/${id}/messages/${member}` }],
      ...(names.length === 0 ? {} : { reply: replyOf(replyId, Object.keys(replies), protocols) }),
      bindings: operationBindings(channel, action, protocols),
      "x-trunkline": own(described),
    },
    messages: {
      [id]: messages.request(described),
      ...Object.fromEntries(names.map(([name, whole]) => [whole, replies[name]!])),
    },
  };
}

function replyOf(channel: string, names: readonly string[], protocols: readonly string[]): Fields {
  const [only, ...others] = protocols;
  return {
    ...(only === undefined || others.length > 0
      ? {}
      : { address: { location: `$message.header#/${headerName(only, attribute.replyto)}` } }),
    channel: { $ref: `#/channels/${channel}` },
    messages: names.map((name) => ({ $ref: `#/channels/${channel}/messages/${name}` })),
  };
}

/** What holds on a channel, for people. */
function channelText({ shape, channel }: Described): string {
  const { delivery = channel.guarantee, key, kind } = shape;
  const goes =
    channel.shape === "topic"
      ? "Each group of consumers gets each message"
      : "Each message goes to one of those who consume";
  const order = key === undefined ? "No order is promised" : `Order is kept by ${key}`;
  return `Carries ${aKind(kind)}. ${goes}, ${delivery.replaceAll("-", " ")}. ${order}.`;
}

/** What the import needs, and AsyncAPI has no word for. */
function own({ contract, version, member, shape }: Described): Fields {
  const { kind, delivery, key, idempotent, deadlineMs } = shape;
  return Object.fromEntries(
    Object.entries({
      contract,
      version,
      operation: member,
      kind,
      delivery,
      key,
      idempotent,
      deadlineMs,
    }).filter(([, value]) => value !== undefined),
  );
}

function protocolsOf(servers: readonly ServerObject[]): readonly string[] {
  const told = new Set(servers.map(protocolOf));
  const described = allProtocols.filter((each) => told.has(each));
  return described.length === 0 ? allProtocols : described;
}

const roles: readonly HeaderRole[] = ["telling", "asking", "answering"];

function headerNames(protocols: readonly string[]): string[] {
  return protocols.flatMap((protocol) => roles.map((role) => headersName(protocol, role)));
}

function headersIn(
  described: readonly Described[],
  protocols: readonly string[],
): Record<string, JsonSchema> {
  const asked = described.some(({ shape }) => answered(shape));
  const needed = roles.filter((role) => role === "telling" || asked);
  return Object.fromEntries(
    protocols.flatMap((protocol) =>
      needed.map((role) => [headersName(protocol, role), headersSchema(protocol, role)]),
    ),
  );
}

function infoOf(contracts: readonly AnyContract[], terms: AsyncApiTerms): Fields {
  const { title, description, license } = terms;
  const about = contracts.map((each) => each[info]);
  const names = [...new Set(about.map(({ name }) => name))];
  const newest = about.toSorted((a, b) => b.major - a.major)[0];
  return {
    title: title ?? (names.length === 0 ? "nothing" : names.join(", ")),
    version: terms.version ?? newest?.version ?? "0.0.0",
    ...(description === undefined ? {} : { description }),
    ...(license === undefined ? {} : { license }),
    tags: names.map((name) => ({ name, description: `The contract ${name}.` })),
  };
}
