import type { OutboxEvent } from "../../base/diagnostics.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../../base/error.ts";
import type { Broker, Outgoing, Receipt } from "../../broker/broker.ts";
import type { Channel } from "../../broker/channel.ts";
import {
  isOrdered,
  shareOf,
  type Lease,
  type OutboxRow,
  type OutboxRows,
  type Parking,
} from "../../store/outbox-rows.ts";
import { noteOf } from "../failure-note.ts";
import { RowReader } from "./message-row.ts";
import { sentOf, type Sent } from "./sent.ts";
import type { RelayTerms } from "./relay-terms.ts";
import type { StandingLanes } from "./standing-lanes.ts";

export interface PassParts {
  readonly rows: OutboxRows;
  readonly terms: RelayTerms;
  readonly standing: StandingLanes;
  readonly holds: (lease: Lease) => boolean;
  readonly tell: (event: Omit<OutboxEvent, "store">) => void;
}

interface Sendable {
  readonly rows: OutboxRow[];
  readonly outgoing: Outgoing[];
  readonly unsendable: {
    readonly row: OutboxRow;
    readonly error: TrunklineError;
    /** However often it is tried. */
    readonly hopeless: boolean;
  }[];
}

/** Publishes rows that were read, once, and settles what came of it. */
export class Pass {
  readonly #parts: PassParts;
  readonly #reader = new RowReader();
  readonly #declared = new WeakMap<Broker, Set<Channel>>();
  /** Keys whose later rows follow a dead one, each with its share, as of the last look: the database is asked again before one follows. */
  readonly #parked = new Map<string, number>();
  /** For each look under way, what was parked since it began, which it may not have seen. */
  readonly #looks = new Set<Set<string>>();
  published = 0;
  dead = 0;

  constructor(parts: PassParts) {
    this.#parts = parts;
  }

  /** Looks which keys of these shares are parked. */
  async parked(shares: readonly number[]): Promise<void> {
    const since = new Set<string>();
    this.#looks.add(since);
    try {
      const keys = await this.#parts.rows.parkedKeys(shares);
      for (const [place, share] of this.#parked)
        if (shares.includes(share) && !since.has(place)) this.#parked.delete(place);
      for (const { lane, key } of keys) this.#parked.set(placeOf(lane, key), shareOf(lane));
    } finally {
      this.#looks.delete(since);
    }
  }

  #park(lane: number, key: string): void {
    const place = placeOf(lane, key);
    this.#parked.set(place, shareOf(lane));
    for (const since of this.#looks) since.add(place);
  }

  /** Resolves with why nothing at all went forward; undefined when something did. Rejects with what the database said. */
  async run(
    all: readonly OutboxRow[],
    leases: readonly Lease[],
    broker: Broker,
  ): Promise<TrunklineError | undefined> {
    const followers = all.filter((row) => this.#follows(row));
    if (followers.length > 0) await this.#follow(followers, leases);
    const { rows, outgoing, unsendable } = this.#sendable(
      all.filter((row) => !followers.includes(row)),
      broker.capabilities.bytesMax,
    );
    const sent = await this.#send(outgoing, leases, broker);
    const settled = await this.#settle(rows, sent, leases);
    for (const { row, error, hopeless } of unsendable)
      await (hopeless
        ? this.#giveUp(row, leases, reasonOf(error))
        : this.#refused(row, error, leases));
    const progress = settled + unsendable.length + followers.length;
    const failure = sent.find((each) => each.kind === "again");
    if (failure === undefined) return undefined;
    if (progress === 0) return failure.error;
    // Others go on; a lane that does not is left alone for a while (OB-7).
    rows.forEach(({ lane }, index) => {
      if (sent[index]!.kind === "again") this.#parts.standing.stop(lane);
    });
    return undefined;
  }

  /**
   * What can be sent, and the first of each lane that cannot: what is behind that in its lane waits. So does what is behind one that
   * was refused before, until that is taken or given up: a broker may well take what comes after it.
   */
  #sendable(all: readonly OutboxRow[], bytesMax: number): Sendable {
    const sendable: Sendable = { rows: [], outgoing: [], unsendable: [] };
    const stopped = new Set<number>();
    for (const row of all) {
      const { lane, head, data, refusals } = row;
      if (stopped.has(lane)) continue;
      if (isOrdered(lane) && refusals > 0) stopped.add(lane);
      const bytes = data.byteLength + head.length;
      try {
        if (bytes > bytesMax) throw tooLarge(bytes, bytesMax);
        sendable.outgoing.push(this.#reader.outgoingOf(row));
        sendable.rows.push(row);
      } catch (cause) {
        const known = isTrunklineError(cause);
        const error = known ? cause : unreadable(cause);
        sendable.unsendable.push({ row, error, hopeless: !known });
        if (isOrdered(lane)) stopped.add(lane);
      }
    }
    return sendable;
  }

  async #send(
    outgoing: readonly Outgoing[],
    leases: readonly Lease[],
    broker: Broker,
  ): Promise<readonly Sent[]> {
    if (outgoing.length === 0) return [];
    await this.#declare(outgoing, broker);
    // Whoever stood still since he read must not publish what others have in hand by now (OB-4).
    if (!leases.every((lease) => this.#parts.holds(lease))) throw leaseLost();
    let outcomes: readonly (Receipt | TrunklineError)[];
    try {
      outcomes = await broker.publish(outgoing);
    } catch (error) {
      const told = isTrunklineError(error)
        ? error
        : systemError("INTERNAL", "the broker's adapter failed", {
            executed: "maybe",
            cause: error,
          });
      outcomes = outgoing.map(() => told);
    }
    const others = outcomes.some((each) => !isTrunklineError(each));
    return outgoing.map((_, index) => sentOf(outcomes[index], others));
  }

  async #declare(outgoing: readonly Outgoing[], broker: Broker): Promise<void> {
    let known = this.#declared.get(broker);
    if (known === undefined) this.#declared.set(broker, (known = new Set()));
    const fresh = new Set(outgoing.map(({ channel }) => channel));
    for (const channel of known) fresh.delete(channel);
    if (fresh.size === 0) return;
    await broker.declare([...fresh]);
    for (const channel of fresh) known.add(channel);
  }

  /** Takes out what was confirmed: in an ordered lane up to the first that was not (OB-5). Resolves with how many went forward. */
  async #settle(
    rows: readonly OutboxRow[],
    sent: readonly Sent[],
    leases: readonly Lease[],
  ): Promise<number> {
    const confirmed: OutboxRow[] = [];
    const refused: [OutboxRow, TrunklineError][] = [];
    const stopped = new Set<number>();
    rows.forEach((row, index) => {
      const { lane } = row;
      if (stopped.has(lane)) return;
      const outcome = sent[index]!;
      if (outcome.kind === "confirmed") return void confirmed.push(row);
      if (isOrdered(lane)) stopped.add(lane);
      if (outcome.kind === "refused") refused.push([row, outcome.error]);
    });
    if (confirmed.length > 0) await this.#parts.rows.remove(leases, confirmed);
    this.published += confirmed.length;
    for (const { lane } of confirmed) if (!stopped.has(lane)) this.#parts.standing.goes(lane);
    for (const [row, error] of refused) await this.#refused(row, error, leases);
    return confirmed.length + refused.length;
  }

  /** It stands, or is given up when it was refused often enough. */
  async #refused(row: OutboxRow, error: TrunklineError, leases: readonly Lease[]): Promise<void> {
    const { rows, terms, standing, tell } = this.#parts;
    const times = await rows.refused(leases, row);
    if (times >= terms.refusalsMax && terms.refused !== "block")
      return this.#giveUp(row, leases, reasonOf(error));
    standing.stop(row.lane);
    if (times === terms.refusalsMax || times === 1)
      tell({ what: "refused", id: row.id, lane: row.lane, key: row.key, reason: reasonOf(error) });
  }

  async #giveUp(row: OutboxRow, leases: readonly Lease[], reason: string): Promise<void> {
    const { terms, standing } = this.#parts;
    const { lane, key } = row;
    if (terms.refused === "block") return standing.stop(lane);
    const parks = terms.refused === "park-key" && key !== undefined;
    if (parks) this.#park(lane, key);
    await this.#bury([row], leases, reason, parks ? "first" : "none");
    standing.goes(lane);
  }

  #follows({ lane, key }: OutboxRow): boolean {
    return key !== undefined && this.#parked.has(placeOf(lane, key));
  }

  async #follow(rows: readonly OutboxRow[], leases: readonly Lease[]): Promise<void> {
    const buried = await this.#bury(rows, leases, "an earlier one of its key is dead", "follows");
    // Somebody has redriven the key meanwhile: they are to be published after all, in the next pass.
    if (buried < rows.length) await this.parked(leases.map(({ share }) => share));
  }

  async #bury(
    rows: readonly OutboxRow[],
    leases: readonly Lease[],
    reason: string,
    parking: Parking,
  ): Promise<number> {
    const shares = new Set(rows.map(({ lane }) => shareOf(lane)));
    const under = leases.filter(({ share }) => shares.has(share));
    const buried = await this.#parts.rows.bury(under, rows, reason, parking);
    this.dead += buried;
    if (buried > 0)
      for (const { id, lane, key } of rows)
        this.#parts.tell({ what: "dead", id, lane, key, reason });
    return buried;
  }
}

function placeOf(lane: number, key: string): string {
  return `${lane} ${key}`;
}

/** As people read it in a list of what was given up. */
function reasonOf(error: unknown): string {
  const { code, reason } = noteOf(error);
  return `${code}: ${reason}`;
}

function tooLarge(bytes: number, bytesMax: number): TrunklineError {
  return systemError(
    "INVALID_ARGUMENT",
    `the message has ${bytes} bytes; the broker takes ${bytesMax}`,
    { executed: "no", advice: "put what is large elsewhere, and send where it is" },
  );
}

function unreadable(cause: unknown): TrunklineError {
  return systemError("INVALID_ARGUMENT", "the row cannot be read", { executed: "no", cause });
}

function leaseLost(): TrunklineError {
  return systemError("UNAVAILABLE", "the lease of the lanes may be over", {
    executed: "no",
    gate: "fenced",
  });
}
