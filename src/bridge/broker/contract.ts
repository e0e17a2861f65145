import type { BrokerCapabilities, Drift, Lag, StartAt } from "../../broker/broker.ts";
import type { BrokerFilter } from "../../broker/broker.ts";
import type { Channel } from "../../broker/channel.ts";
import { bytes } from "../../contract/bytes.ts";
import { call, type CallOperation } from "../../contract/call.ts";
import { contract, type Contract } from "../../contract/contract.ts";
import { duplex, type DuplexOperation } from "../../contract/duplex.ts";
import type { JsonSchema } from "../../contract/json-schema.ts";
import type { NoErrors } from "../../contract/operation.ts";
import { plainSchema } from "../../contract/plain-schema.ts";
import type { Schema } from "../../contract/schema.ts";
import { stream, type StreamOperation } from "../../contract/stream.ts";
import type { OutcomeText } from "./text.ts";

/** What a broker says of itself. */
export interface BrokerAbout {
  readonly capabilities: BrokerCapabilities;
}

export interface DeclareRequest {
  readonly channels: readonly Channel[];
}

export interface Drifts {
  readonly drifts: readonly Drift[];
}

/** For each message of a request, in its order. */
export interface Outcomes {
  readonly outcomes: readonly OutcomeText[];
}

/** What a consumer begins with; the words are those of `Subscription`. */
export interface ConsumeRequest {
  readonly channel: Channel;
  readonly group?: string | undefined;
  /** What its process calls itself. */
  readonly user: string;
  readonly prefetch: number;
  readonly from?: StartAt | undefined;
  readonly filter?: BrokerFilter | undefined;
  readonly exclusive?: boolean | undefined;
  /** It wants to be asked before a shard is taken from it. */
  readonly revoking: boolean;
  readonly revokeMs?: number | undefined;
}

/** Which reply box: a durable one by its name, or a transient one by the address that it shall have. */
export interface BoxRequest {
  readonly name?: string | undefined;
  readonly since?: number | undefined;
  readonly address?: string | undefined;
}

/** Messages that wait, for whom. */
export interface GroupName {
  readonly channel: Channel;
  readonly group?: string | undefined;
}

export interface BrowseRequest extends GroupName {
  readonly limit: number;
}

export interface ResetRequest {
  readonly channel: Channel;
  readonly group: string;
  readonly to: StartAt;
}

const text: JsonSchema = { type: "string" };
const number: JsonSchema = { type: "number" };
const truth: JsonSchema = { type: "boolean" };
const some: JsonSchema = { type: "object" };
const list: JsonSchema = { type: "array", items: some };

function fields(required: Readonly<Record<string, JsonSchema>>, optional: object = {}): JsonSchema {
  return {
    type: "object",
    properties: { ...required, ...optional },
    required: Object.keys(required),
  };
}

// Channels are looked at one by one where they are read.
const about: Schema<BrokerAbout> = plainSchema(fields({ capabilities: some }));
const declareRequest: Schema<DeclareRequest> = plainSchema(fields({ channels: list }));
const drifts: Schema<Drifts> = plainSchema(fields({ drifts: list }));
const outcomes: Schema<Outcomes> = plainSchema(fields({ outcomes: list }));
const consumeRequest: Schema<ConsumeRequest> = plainSchema(
  fields(
    { channel: some, user: text, prefetch: number, revoking: truth },
    { group: text, filter: some, exclusive: truth, revokeMs: number },
  ),
);
const boxRequest: Schema<BoxRequest> = plainSchema(
  fields({}, { name: text, since: number, address: text }),
);
const groupName: Schema<GroupName> = plainSchema(fields({ channel: some }, { group: text }));
const browseRequest: Schema<BrowseRequest> = plainSchema(
  fields({ channel: some, limit: number }, { group: text }),
);
const resetRequest: Schema<ResetRequest> = plainSchema(fields({ channel: some, group: text }));
const lag: Schema<Lag> = plainSchema(fields({ waiting: number, shards: list }));

type Sheet = Schema<Uint8Array>;

/** How a broker in another process is spoken to. What is bytes here is a sheet, see `sheet.ts`. */
export const RemoteBroker: Contract<
  "trunkline-broker",
  {
    readonly about: CallOperation<undefined, Schema<BrokerAbout>, NoErrors>;
    readonly declare: CallOperation<Schema<DeclareRequest>, Schema<Drifts>, NoErrors>;
    readonly publish: CallOperation<Sheet, Schema<Outcomes>, NoErrors>;
    readonly consume: DuplexOperation<Schema<ConsumeRequest>, Sheet, Sheet, NoErrors>;
    readonly replies: StreamOperation<Schema<BoxRequest>, Sheet, NoErrors>;
    readonly reply: CallOperation<Sheet, undefined, NoErrors>;
    readonly browse: StreamOperation<Schema<BrowseRequest>, Sheet, NoErrors>;
    readonly lag: CallOperation<Schema<GroupName>, Schema<Lag>, NoErrors>;
    readonly reset: CallOperation<Schema<ResetRequest>, undefined, NoErrors>;
  }
> = contract(
  "trunkline-broker",
  { version: "1.0.0" },
  {
    about: call({
      out: about,
      idempotent: true,
      description: "What the broker promises.",
    }),
    declare: call({
      in: declareRequest,
      out: drifts,
      idempotent: true,
      description: "Makes channels that are missing, and tells how those that are there differ.",
    }),
    publish: call({
      in: bytes(),
      out: outcomes,
      description: "Publishes messages, in their order.",
    }),
    consume: duplex({
      head: consumeRequest,
      in: bytes(),
      out: bytes(),
      description:
        "Deliveries of one consumer, and what becomes of them. When it ends, or its connection is lost, what is unsettled comes to somebody else.",
    }),
    replies: stream({
      in: boxRequest,
      out: bytes(),
      description: "What comes to a reply box.",
    }),
    reply: call({
      in: bytes(),
      idempotent: true,
      description: "Puts a reply into a box.",
    }),
    browse: stream({
      in: browseRequest,
      out: bytes(),
      description: "Messages that wait, which stay where they are.",
    }),
    lag: call({
      in: groupName,
      out: lag,
      idempotent: true,
      description: "How far a group is behind.",
    }),
    reset: call({
      in: resetRequest,
      idempotent: true,
      description: "Puts a group to another place.",
    }),
  },
);
