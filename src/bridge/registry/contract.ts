import { call, type CallOperation } from "../../contract/call.ts";
import { contract, type Contract } from "../../contract/contract.ts";
import type { JsonSchema } from "../../contract/json-schema.ts";
import type { NoErrors } from "../../contract/operation.ts";
import { plainSchema } from "../../contract/plain-schema.ts";
import type { Schema } from "../../contract/schema.ts";
import { stream, type StreamOperation } from "../../contract/stream.ts";
import type { Instance } from "../../discovery/discovery.ts";

/** What a registration asks for. */
export interface RegisterRequest {
  readonly instance: Instance;
  /** After this time without a renewal the registry forgets the instance, in milliseconds. */
  readonly ttlMs: number;
  /** It was registered before: who has been followed by a younger life of the instance stays away. Default false. */
  readonly again?: boolean | undefined;
  /** For how long this life has been registering, in milliseconds; by it a registry that has forgotten knows the younger one. Default 0. */
  readonly ageMs?: number | undefined;
}

/** A lease, by its name. */
export interface LeaseName {
  readonly lease: string;
}

/** Whether the registry has such a lease. */
export interface LeaseKnown {
  readonly known: boolean;
}

/** Which service: the name of a contract. */
export interface ServiceName {
  readonly service: string;
}

/** Everything that the registry knows of one service. */
export interface RegistrySnapshot {
  readonly service: string;
  /** Names this life of the registry: revisions of two lives have nothing in common. */
  readonly epoch: string;
  /** Grows with each change. */
  readonly revision: number;
  /** False while the registry has just begun: whoever was registered before may not have come back yet. */
  readonly complete: boolean;
  /** Who loses the registry comes back at a random instant within this time, in milliseconds, so that not all come at once. */
  readonly spreadMs: number;
  readonly instances: readonly Instance[];
}

/** A line for each service. */
export interface RegistryOverview {
  readonly epoch: string;
  readonly complete: boolean;
  readonly instances: number;
  readonly watches: number;
  readonly services: readonly { readonly name: string; readonly instances: number }[];
}

const text: JsonSchema = { type: "string" };
const number: JsonSchema = { type: "number" };
const truth: JsonSchema = { type: "boolean" };
const texts: JsonSchema = { type: "array", items: text };

function fields(required: Readonly<Record<string, JsonSchema>>, optional: object = {}): JsonSchema {
  return {
    type: "object",
    properties: { ...required, ...optional },
    required: Object.keys(required),
  };
}

const instance = fields(
  { id: text, bootId: text, contracts: texts, addresses: texts, state: text },
  {
    hostId: text,
    lane: text,
    weight: number,
    locality: fields({}, { region: text, zone: text }),
    keyStore: text,
    meta: { type: "object", additionalProperties: text },
  },
);

const snapshot: Schema<RegistrySnapshot> = plainSchema(
  fields({
    service: text,
    epoch: text,
    revision: number,
    complete: truth,
    spreadMs: number,
    instances: { type: "array", items: { type: "object" } }, // looked at one by one: a bad one harms only itself
  }),
);

const overview: Schema<RegistryOverview> = plainSchema(
  fields({
    epoch: text,
    complete: truth,
    instances: number,
    watches: number,
    services: { type: "array", items: fields({ name: text, instances: number }) },
  }),
);

const leaseName: Schema<LeaseName> = plainSchema(fields({ lease: text }));
const leaseKnown: Schema<LeaseKnown> = plainSchema(fields({ known: truth }));
const serviceName: Schema<ServiceName> = plainSchema(fields({ service: text }));
const request: Schema<RegisterRequest> = plainSchema(
  fields({ instance, ttlMs: number }, { again: truth, ageMs: number }),
);
const displaced: RegisterErrors = { DISPLACED: plainSchema<string>(text) };

/** DISPLACED: a younger life of the instance, whose id it names, has been registered since. */
interface RegisterErrors {
  readonly DISPLACED: Schema<string>;
}

/** How the registry is spoken to. */
export const Registry: Contract<
  "trunkline-registry",
  {
    readonly register: CallOperation<Schema<RegisterRequest>, Schema<LeaseName>, RegisterErrors>;
    readonly renew: CallOperation<Schema<LeaseName>, Schema<LeaseKnown>, NoErrors>;
    readonly deregister: CallOperation<Schema<LeaseName>, Schema<LeaseKnown>, NoErrors>;
    readonly list: CallOperation<Schema<ServiceName>, Schema<RegistrySnapshot>, NoErrors>;
    readonly overview: CallOperation<undefined, Schema<RegistryOverview>, NoErrors>;
    readonly watch: StreamOperation<Schema<ServiceName>, Schema<RegistrySnapshot>, NoErrors>;
  }
> = contract(
  "trunkline-registry",
  { version: "1.0.0" },
  {
    register: call({
      in: request,
      out: leaseName,
      errors: displaced,
      idempotent: true,
      description:
        "Takes an instance, or what has changed of it, under a new lease; the one before ends.",
    }),
    renew: call({
      in: leaseName,
      out: leaseKnown,
      idempotent: true,
      description: "Lets a lease live for its whole time again.",
    }),
    deregister: call({
      in: leaseName,
      out: leaseKnown,
      idempotent: true,
      description: "Ends a lease: its instance is gone.",
    }),
    list: call({
      in: serviceName,
      out: snapshot,
      idempotent: true,
      description: "The instances of a service now.",
    }),
    overview: call({
      out: overview,
      idempotent: true,
      description: "Which services there are.",
    }),
    watch: stream({
      in: serviceName,
      out: snapshot,
      description:
        "The instances of a service now, and again after each change, always whole; now and then without one.",
    }),
  },
);
