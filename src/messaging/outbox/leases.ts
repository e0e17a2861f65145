import type { Env } from "../../base/env.ts";
import { leaseShares, type Lease, type OutboxRows } from "../../store/outbox-rows.ts";

/** A lease is not relied on in the last part of its time: the clock of the database is another one. */
const trustedPart = 0.7;

/**
 * The shares that one relay has. It says that it lives three times in each lease; how long it may rely on what it has is counted from
 * before it asked, by its own clock.
 */
export class Leases {
  readonly relay: string;
  readonly #rows: OutboxRows;
  readonly #leaseMs: number;
  readonly #env: Env;
  #held: readonly Lease[] = [];
  #trustedUntil = -Infinity;
  /** Too many for this relay, when there are others: no pass begins with them any more. */
  readonly #leaving = new Set<number>();
  relays = 0;

  constructor(relay: string, rows: OutboxRows, leaseMs: number, env: Env) {
    this.relay = relay;
    this.#rows = rows;
    this.#leaseMs = leaseMs;
    this.#env = env;
  }

  /** How long until it has to be said again, in milliseconds. */
  get pauseMs(): number {
    return this.#leaseMs / 3;
  }

  /** What may be published now; empty when nobody knows whether the leases still hold. */
  get usable(): readonly Lease[] {
    if (!this.trusted) return [];
    return this.#held.filter(({ share }) => !this.#leaving.has(share));
  }

  get held(): number {
    return this.#held.length;
  }

  get trusted(): boolean {
    return this.#env.now() < this.#trustedUntil;
  }

  /** Whether this very lease still holds, as far as this relay knows. */
  holds({ share, token }: Lease): boolean {
    return this.trusted && this.#held.some((each) => each.share === share && each.token === token);
  }

  /**
   * Says that it lives. `busy`: what passes are at; that is not given back yet. `prepare` is done before shares that it had not are
   * used. Resolves with true when there are such.
   */
  async keep(
    busy: (share: number) => boolean,
    prepare: (shares: readonly number[]) => Promise<void>,
  ): Promise<boolean> {
    const askedAt = this.#env.now();
    const back = [...this.#leaving].filter((share) => !busy(share));
    // What was read of it and not sent yet is not sent any more: it may be somebody else's before the answer is here.
    this.#held = this.#held.filter(({ share }) => !back.includes(share));
    const { leases, relays } = await this.#rows.keep(this.relay, this.#leaseMs, back);
    const before = new Set(this.#held.map(nameOf));
    const more = leases.some((lease) => !before.has(nameOf(lease)));
    if (more) {
      this.#held = leases.filter((lease) => before.has(nameOf(lease)));
      await prepare(leases.map(({ share }) => share));
    }
    this.#held = leases;
    this.relays = relays;
    this.#trustedUntil = askedAt + this.#leaseMs * trustedPart;
    this.#leave(leases, relays);
    return more;
  }

  #leave(leases: readonly Lease[], relays: number): void {
    this.#leaving.clear();
    const surplus = leases.length - fairPart(relays);
    for (const { share } of leases.slice(0, Math.max(0, surplus))) this.#leaving.add(share);
  }

  async leave(): Promise<void> {
    this.#held = [];
    this.#trustedUntil = -Infinity;
    await this.#rows.leave(this.relay);
  }
}

function nameOf({ share, token }: Lease): string {
  return `${share}:${token}`;
}

function fairPart(relays: number): number {
  return Math.ceil(leaseShares / Math.max(1, relays));
}
