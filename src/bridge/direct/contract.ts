import { bytes } from "../../contract/bytes.ts";
import { call, type CallOperation } from "../../contract/call.ts";
import { contract, type Contract } from "../../contract/contract.ts";
import type { JsonSchema } from "../../contract/json-schema.ts";
import type { NoErrors } from "../../contract/operation.ts";
import { plainSchema } from "../../contract/plain-schema.ts";
import type { Schema } from "../../contract/schema.ts";

/** What became of a parcel: of its messages so many, from the first on, are in the consumer's memory. */
export interface Taken {
  readonly taken: number;
  /** Why not all: nobody of that name consumes here; there was no room as long as the sender would wait; there never is, by its terms. */
  readonly why?: "gone" | "late" | "full" | undefined;
  /** Messages that the consumer has, settled ones not counted. */
  readonly load: number;
}

/** Whose messages, of which shard, at which consumer. */
export interface SettledQuestion {
  readonly consumer: string;
  readonly publisher: string;
  readonly shard: string;
}

export interface SettledAnswer {
  /** None of them is waiting or unsettled. False: there are still some, ask again. */
  readonly settled: boolean;
}

/** Whose backlog. */
export interface BacklogQuestion {
  readonly channel: string;
  /** Of a queue undefined. */
  readonly group?: string | undefined;
}

export interface BacklogAnswer {
  readonly consumers: readonly { readonly consumer: string; readonly load: number }[];
}

export interface Heard {
  /** False: there is no such box, or not any more. */
  readonly heard: boolean;
}

const text: JsonSchema = { type: "string" };
const number: JsonSchema = { type: "number" };
const truth: JsonSchema = { type: "boolean" };

function fields(required: Readonly<Record<string, JsonSchema>>, optional: object = {}): JsonSchema {
  return {
    type: "object",
    properties: { ...required, ...optional },
    required: Object.keys(required),
  };
}

const taken: Schema<Taken> = plainSchema(
  fields({ taken: number, load: number }, { why: { enum: ["gone", "late", "full"] } }),
);
const settledQuestion: Schema<SettledQuestion> = plainSchema(
  fields({ consumer: text, publisher: text, shard: text }),
);
const settledAnswer: Schema<SettledAnswer> = plainSchema(fields({ settled: truth }));
const backlogQuestion: Schema<BacklogQuestion> = plainSchema(
  fields({ channel: text }, { group: text }),
);
const backlogAnswer: Schema<BacklogAnswer> = plainSchema(
  fields({ consumers: { type: "array", items: fields({ consumer: text, load: number }) } }),
);
const heard: Schema<Heard> = plainSchema(fields({ heard: truth }));

/** How processes hand each other messages without a broker. */
export const Direct: Contract<
  "trunkline-direct",
  {
    readonly deliver: CallOperation<Schema<Uint8Array>, Schema<Taken>, NoErrors>;
    readonly settled: CallOperation<Schema<SettledQuestion>, Schema<SettledAnswer>, NoErrors>;
    readonly backlog: CallOperation<Schema<BacklogQuestion>, Schema<BacklogAnswer>, NoErrors>;
    readonly answer: CallOperation<Schema<Uint8Array>, Schema<Heard>, NoErrors>;
  }
> = contract(
  "trunkline-direct",
  { version: "1.0.0" },
  {
    deliver: call({
      in: bytes(),
      out: taken,
      description: "Takes a parcel of messages into the memory of a consumer, in their order.",
    }),
    settled: call({
      in: settledQuestion,
      out: settledAnswer,
      idempotent: true,
      description: "Answers when a consumer has settled what a publisher has sent it of a shard.",
    }),
    backlog: call({
      in: backlogQuestion,
      out: backlogAnswer,
      idempotent: true,
      description: "How much the consumers of this process have of a channel.",
    }),
    answer: call({
      in: bytes(),
      out: heard,
      description: "Puts a reply into a box of this process.",
    }),
  },
);
