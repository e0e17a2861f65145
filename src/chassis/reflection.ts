import { serve, type Service } from "../call/serve.ts";
import { call, type CallOperation } from "../contract/call.ts";
import { contract, type Contract } from "../contract/contract.ts";
import { describe, type ContractDescription } from "../contract/describe.ts";
import type { JsonSchema } from "../contract/json-schema.ts";
import type { NoErrors } from "../contract/operation.ts";
import { plainSchema } from "../contract/plain-schema.ts";
import type { Schema } from "../contract/schema.ts";
import type { ClientState } from "./client-state.ts";
import type { ChassisStats } from "./stats.ts";

/** What a process says of itself. */
export interface ProcessDescription {
  readonly name: string;
  /** Unique to this life of the process. */
  readonly instance: string;
  readonly uptimeMs: number;
  /** False as soon as it begins to stop. */
  readonly ready: boolean;
  /** Where it listens, without credentials. */
  readonly addresses: readonly string[];
  readonly contracts: readonly ServedContract[];
}

/** A contract, and what was said when it was served: dates in ISO 8601. */
export interface ServedContract extends ContractDescription {
  /** From when on nobody should use it any more. */
  readonly deprecated?: string;
  /** From when on it may be gone. */
  readonly sunset?: string;
  /** A URL where people read what to do instead. */
  readonly link?: string;
  /** A URL of the version that comes after it. */
  readonly successor?: string;
}

/** How Trunkline's own contracts begin; a contract of yours cannot. */
export const ownPrefix = "trunkline-";

const text: JsonSchema = { type: "string" };
const number: JsonSchema = { type: "number" };
const truth: JsonSchema = { type: "boolean" };

/** Fields that all must be there, those of `optional` excepted. */
function fields(required: Readonly<Record<string, JsonSchema>>, optional: object = {}): JsonSchema {
  return {
    type: "object",
    properties: { ...required, ...optional },
    required: Object.keys(required),
  };
}

function list(items: JsonSchema): JsonSchema {
  return { type: "array", items };
}

const operation = fields(
  { kind: text, idempotent: { enum: [true, false, "by-key"] }, digest: text },
  {
    description: text,
    key: text,
    deadlineMs: number,
    idleMs: number,
    head: { type: "object" },
    in: { type: "object" },
    out: { type: "object" },
    errors: { type: "object" },
  },
);

const description = fields({
  name: text,
  instance: text,
  uptimeMs: number,
  ready: truth,
  addresses: list(text),
  contracts: list(
    fields(
      {
        name: text,
        version: text,
        digest: text,
        operations: { type: "object", additionalProperties: operation },
      },
      { deprecated: text, sunset: text, link: text, successor: text },
    ),
  ),
});

const inLane = fields({ inFlight: number, queued: number, lasting: number, refused: number });

const admission = fields({
  limit: number,
  inFlight: number,
  queued: number,
  lasting: number,
  lagMs: number,
  lanes: { type: "object", additionalProperties: inLane },
});

const registration = fields(
  { state: text, registry: text, id: text, addresses: list(text) },
  { problem: text },
);

const stats = fields(
  {
    name: text,
    instance: text,
    uptimeMs: number,
    ready: truth,
    inFlight: number,
    addresses: list(
      fields(
        { address: text, connections: number, inFlight: number },
        { ways: { type: "object", additionalProperties: number }, stayed: number },
      ),
    ),
    operations: list(
      fields(
        {
          operation: text,
          kind: text,
          count: number,
          failures: { type: "object", additionalProperties: number },
          inFlight: number,
          waiting: number,
          latency: fields({
            meanMs: number,
            p50Ms: number,
            p90Ms: number,
            p99Ms: number,
            maxMs: number,
          }),
        },
        { version: text, transactional: text },
      ),
    ),
  },
  { admission, registration },
);

const endpoint = fields(
  {
    id: text,
    address: text,
    state: text,
    rung: number,
    inFlight: number,
    ewmaMs: number,
    breaker: text,
    ejected: truth,
    begun: number,
    failed: number,
    draining: truth,
  },
  { way: text, stayed: text, limit: number, lane: text },
);

const clientsOf = list(
  fields({
    endpoint: text,
    state: text,
    lanes: { type: "object", additionalProperties: number },
    retriesLeft: number,
    endpoints: list(endpoint),
  }),
);

/** What a process serves and what became of it, for whoever knows only its address. */
export const Reflection: Contract<
  "trunkline-reflection",
  {
    readonly describe: CallOperation<undefined, Schema<ProcessDescription>, NoErrors>;
    readonly stats: CallOperation<undefined, Schema<ChassisStats>, NoErrors>;
    readonly clients: CallOperation<undefined, Schema<readonly ClientState[]>, NoErrors>;
  }
> = contract(
  "trunkline-reflection",
  { version: "1.3.0" },
  {
    describe: call({
      out: plainSchema<ProcessDescription>(description),
      idempotent: true,
      description: "The process and its contracts.",
    }),
    stats: call({
      out: plainSchema<ChassisStats>(stats),
      idempotent: true,
      description: "What became of its operations since it began.",
    }),
    clients: call({
      out: plainSchema<readonly ClientState[]>(clientsOf),
      idempotent: true,
      description: "What its clients know of the services that they call.",
    }),
  },
);

/** The part of a chassis that reflection tells of. */
export interface Reflected {
  readonly addresses: readonly string[];
  stats(): ChassisStats;
  clients(): readonly ClientState[];
}

/** Serves the reflection of a process that has perhaps not begun yet: requests wait until it has. */
export function serveReflection(begun: Promise<Reflected>, services: readonly Service[]): Service {
  let described: readonly ServedContract[] | undefined;
  return serve(Reflection, {
    async describe() {
      const running = await begun;
      const { name, instance, uptimeMs, ready } = running.stats();
      described ??= services.map(({ contract: each, terms }) => ({ ...describe(each), ...terms }));
      return {
        name,
        instance,
        uptimeMs,
        ready,
        addresses: running.addresses,
        contracts: described,
      };
    },
    stats: async () => (await begun).stats(),
    clients: async () => (await begun).clients(),
  });
}
