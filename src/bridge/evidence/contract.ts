import { call, type CallOperation } from "../../contract/call.ts";
import { contract, type Contract } from "../../contract/contract.ts";
import type { JsonSchema } from "../../contract/json-schema.ts";
import type { NoErrors } from "../../contract/operation.ts";
import { plainSchema } from "../../contract/plain-schema.ts";
import type { Schema } from "../../contract/schema.ts";
import { stream, type StreamOperation } from "../../contract/stream.ts";

/** An endpoint of a service, as those who call it name it. */
export interface EndpointName {
  readonly service: string;
  readonly endpoint: string;
}

/** What one process has seen of an endpoint. */
export interface Observation extends EndpointName {
  /** Failures in a row; 0: it answered. */
  readonly failures: number;
}

/** Who speaks. */
export interface Reporter {
  /** The host that the process is on: many processes of one host are one witness. */
  readonly host: string;
  /** Tells the processes of a host apart. */
  readonly process: string;
}

export interface Report extends Reporter {
  readonly observations: readonly Observation[];
}

/** An observation as others hear it. */
export interface Opinion extends Observation {
  readonly host: string;
  /** For how long it still holds, in milliseconds. */
  readonly leftMs: number;
}

/** All opinions that hold now. */
export interface Opinions {
  readonly opinions: readonly Opinion[];
}

export interface ProbeRequest extends EndpointName, Reporter {}

export interface ProbeAnswer {
  readonly granted: boolean;
  /** For how long nobody else gets it, in milliseconds. */
  readonly forMs: number;
}

const text: JsonSchema = { type: "string" };
const number: JsonSchema = { type: "number" };
const truth: JsonSchema = { type: "boolean" };

function fields(properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return { type: "object", properties, required: Object.keys(properties) };
}

function list(items: JsonSchema): JsonSchema {
  return { type: "array", items };
}

const name = { service: text, endpoint: text };
const reporter = { host: text, process: text };
const observation = { ...name, failures: number };

/** How processes tell each other which endpoints fail. */
export const EvidenceExchange: Contract<
  "trunkline-evidence",
  {
    readonly report: CallOperation<Schema<Report>, undefined, NoErrors>;
    readonly probe: CallOperation<Schema<ProbeRequest>, Schema<ProbeAnswer>, NoErrors>;
    readonly follow: StreamOperation<undefined, Schema<Opinions>, NoErrors>;
  }
> = contract(
  "trunkline-evidence",
  { version: "1.0.0" },
  {
    report: call({
      in: plainSchema<Report>(fields({ ...reporter, observations: list(fields(observation)) })),
      idempotent: true,
      description: "Says what a process has seen of endpoints.",
    }),
    probe: call({
      in: plainSchema<ProbeRequest>(fields({ ...name, ...reporter })),
      out: plainSchema<ProbeAnswer>(fields({ granted: truth, forMs: number })),
      idempotent: true,
      description: "Asks to be the one process that tries whether an endpoint answers again.",
    }),
    follow: stream({
      out: plainSchema<Opinions>(
        fields({ opinions: list(fields({ ...observation, host: text, leftMs: number })) }),
      ),
      description: "What all say now, and again after each change, always whole.",
    }),
  },
);
