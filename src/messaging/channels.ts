import { milliseconds, type Duration } from "../base/duration.ts";
import { systemError } from "../base/error.ts";
import type { BrokerCapabilities } from "../broker/broker.ts";
import { channel, type Channel, type Enqueued } from "../broker/channel.ts";
import type { Member } from "../call/compile.ts";
import { declarationsOf } from "../contract/contract.ts";
import { isMessage } from "../contract/kinds.ts";
import type { Operation } from "../contract/operation.ts";
import { batchBounds, type BatchBounds, type BatchTerms } from "./batches/collector.ts";
import { Placement, type SaltingTerms } from "./hot-keys/placement.ts";

/** How the channel of an operation is laid out; nothing of it is in the contract. */
export interface BindingTerms {
  /** The name of the channel. Default: contract, major version and operation, `orders.1.placed`. */
  readonly channel?: string;
  /** What a receipt must mean at least: refused at the start where the broker cannot. Default: the best that it has. */
  readonly enqueued?: Enqueued;
  /** Groups for which messages are kept from now on, whether or not they run; a receipt `handled` and a gather wait for them. Default none. */
  readonly groups?: readonly string[];
  /** Parts that are consumed side by side, each by one consumer of a group at a time. Default 12. */
  readonly shards?: number;
  /** How long messages are kept, consumed or not. Default: the broker's. */
  readonly retention?: Duration;
  /** Messages that may wait for one group, past which publishing is refused. Default: the broker's. */
  readonly lengthMax?: number;
  /** The highest priority that a message may have. Default 0: none. */
  readonly priorityMax?: number;
  /** Of the messages of one key the last one is kept for ever. Default false. */
  readonly compacted?: boolean;
  /** How what a process publishes is gathered before it goes to the broker: each batch waits `within` for company. Default: what is published in one turn, up to 512. */
  readonly batch?: BatchTerms;
  /** How keys with far more messages than others are spread over several shards. Default: each key stays in one. */
  readonly salting?: SaltingTerms;
  /**
   * Messages of a key are counted where an outbox publishes them, in the attribute `sequence`: consumers with a store then tell of gaps and
   * reorderings. One row more in the database for each key, for ever. Only with a key. Default false.
   */
  readonly sequenced?: boolean;
  /** What concerns one make of broker alone, under its name: `{ amqp: { … } }`. */
  readonly native?: Readonly<Record<string, unknown>>;
}

export interface Binding {
  readonly operation: Operation;
  readonly terms: BindingTerms;
}

/**
 * Lays out the channel of an operation: `bind(Orders.placed, { groups: ["billing"], shards: 24 })`, for the option `bindings`. All
 * processes that use the channel should be given the same; a broker that finds it laid out otherwise says so, and leaves it.
 *
 * @throws TrunklineError INVALID_ARGUMENT for what is no operation of a contract.
 */
export function bind(operation: { readonly kind: string }, terms: BindingTerms): Binding {
  if (declarationsOf(operation).length === 0)
    throw systemError("INVALID_ARGUMENT", "this is not an operation of a contract", {
      executed: "no",
      advice: "write bind(Orders.placed, …)",
    });
  return Object.freeze({ operation: operation as Operation, terms });
}

/** The channels of operations, as they are bound. */
export class Channels {
  readonly #bindings = new Map<Operation, BindingTerms>();
  readonly #made = new Map<Member, Channel>();
  readonly #batches = new Map<Channel, BatchBounds>();
  readonly #placements = new Map<Channel, Placement>();
  readonly #sequenced = new Set<Channel>();

  constructor(bindings: readonly Binding[] = []) {
    for (const { operation, terms } of bindings) this.#bindings.set(operation, terms);
  }

  /** The same object each time. @throws TrunklineError INVALID_ARGUMENT for a binding that cannot be meant. */
  of(member: Member): Channel {
    let made = this.#made.get(member);
    if (made === undefined) this.#made.set(member, (made = this.#make(member)));
    return made;
  }

  /** How its messages are gathered before they are sent; undefined: nobody has said. */
  batchOf(bound: Channel): BatchBounds | undefined {
    return this.#batches.get(bound);
  }

  /** By what its messages find their shard. */
  placementOf(bound: Channel): Placement | undefined {
    return this.#placements.get(bound);
  }

  /** Whether an outbox counts the messages of its keys. */
  isSequenced(bound: Channel): boolean {
    return this.#sequenced.has(bound);
  }

  #make({ name, declared, operation }: Member): Channel {
    const { owner } = operation;
    const terms = this.#bindings.get(declared) ?? {};
    const { retention, channel: own, batch, salting, sequenced, ...given } = terms;
    const made = channel({
      ...given,
      name: own ?? `${owner.name}.${owner.major}.${name}`,
      shape: declared.kind === "event" || declared.kind === "gather" ? "topic" : "queue",
      ordered: declared.key !== undefined,
      guarantee: declared.delivery ?? "at-least-once",
      retentionMs: retention === undefined ? undefined : milliseconds(retention),
    });
    if (sequenced === true) this.#sequenced.add(made);
    if (batch !== undefined) this.#batches.set(made, batchBounds(batch));
    this.#placements.set(made, new Placement(made, salting));
    return made;
  }
}

/** What a broker cannot keep of what an operation and its binding promise, in words for a person. */
export function channelProblems(
  { operation, declared }: Member,
  bound: Channel,
  { name, capabilities }: { readonly name: string; readonly capabilities: BrokerCapabilities },
): string[] {
  const what = `${operation.kind} ${operation.name}`;
  const problems: string[] = [];
  const refuse = (asks: string, instead: string): void =>
    void problems.push(`${what} asks for ${asks}, which ${name} cannot keep.\n     → ${instead}`);
  if (!capabilities.guarantees.includes(bound.guarantee)) {
    const { guarantees } = capabilities;
    refuse(
      `delivery "${bound.guarantee}"`,
      `declare delivery: ${guarantees.map((each) => `"${each}"`).join(" or ")}, or use ${brokersWith(bound.guarantee)}`,
    );
  }
  if (bound.ordered && capabilities.order === "none")
    refuse("order per key", "leave its key away, or use another broker");
  if (bound.enqueued !== undefined && !capabilities.receipts.includes(bound.enqueued))
    refuse(
      `receipts that mean "${bound.enqueued}"`,
      `bind it with enqueued: ${capabilities.receipts.map((each) => `"${each}"`).join(" or ")}`,
    );
  if (bound.shape === "topic" && capabilities.topics === false)
    refuse("that each of several hears it", "send it as a document, or use another broker");
  if (bound.shape === "queue" && capabilities.queues === false)
    refuse("that one of several gets it", "send it as an event, or use another broker");
  if (bound.shape === "topic" && !capabilities.groups && bound.groups.length > 0)
    refuse("groups", "leave the groups away");
  if (bound.priorityMax > 0 && !capabilities.priority)
    refuse("priorities", "leave priorityMax away");
  if (bound.compacted && !capabilities.compaction) refuse("compaction", "leave compacted away");
  if (operation.kind === "command" && capabilities.replies === "none")
    refuse("replies", "use another broker");
  if (operation.kind === "gather" && capabilities.replies === "none")
    refuse("answers", "use another broker");
  if (bound.compacted && declared.key === undefined)
    problems.push(`${what} is bound as compacted, and has no key.\n     → declare its key`);
  return problems;
}

/** What keeps a consumer from being of its group, or of none (`false`). */
export function groupProblems(
  { operation, declared }: Member,
  group: string | false | undefined,
  { name, capabilities }: { readonly name: string; readonly capabilities: BrokerCapabilities },
): string[] {
  if (operation.kind !== "event") return [];
  const what = `${operation.kind} ${operation.name}`;
  if (group !== false && !capabilities.groups && capabilities.topics !== false)
    return [
      `${what} is consumed by the group "${group}", and ${name} has no groups: each process hears all.\n     → write group: false, or use ${brokersWith("at-least-once")}`,
    ];
  if (group === false && declared.delivery === "exactly-once")
    return [
      `${what} is consumed without a group, for which nothing is remembered, and asks for delivery "exactly-once".\n     → name a group`,
    ];
  return [];
}

function brokersWith(guarantee: string): string {
  return guarantee === "exactly-once" ? "file: or kafka://" : "file:, amqp:// or kafka://";
}

/** Operations that are bound and are no messages: a mistake of whoever bound them. */
export function bindingProblems(bindings: readonly Binding[]): string[] {
  return bindings.flatMap(({ operation }) => {
    const [{ contract, member } = { contract: undefined, member: "" }] = declarationsOf(operation);
    return contract !== undefined && (isMessage(operation.kind) || operation.kind !== "stream")
      ? []
      : [`a ${operation.kind} has no channel: ${member}.\n     → leave its binding out`];
  });
}
