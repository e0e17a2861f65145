import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import type { Dispatcher } from "undici";

import { isTrunklineError, systemError } from "../../../base/error.ts";
import { raw } from "../../../codec/raw.ts";
import type { Attempt } from "../../attempt.ts";
import type { Source, UploadOptions } from "../../protocol.ts";
import { Envelope, enveloped } from "../wire/envelope.ts";
import { acceptanceHeader } from "../wire/header-names.ts";
import type { Ask } from "./ask.ts";
import { late, type ExchangeHome } from "./exchange.ts";
import type { Lane } from "./lane.ts";
import { OutgoingItems } from "./outgoing-items.ts";
import { PendingCall } from "./pending-call.ts";

/**
 * The longest that items wait for the interim answer with which the handler asks for them, in milliseconds: proxies may not
 * pass it on.
 */
const acceptanceMs = 1_000;

/** An upload that sends its items and waits for its one answer. */
export class PendingUpload extends PendingCall {
  readonly #source: Source;
  readonly #idleMs: number;
  #items: OutgoingItems | undefined;
  /** The peer has accepted, or is taken to have: the request cannot be sent a second time. */
  #accepted = false;
  /** From when on it is taken to have, though it has not said so. */
  #presumedAt = Infinity;
  /** When the peer last gave a sign, or it became its turn to give one. */
  #idleFrom = 0;

  constructor(
    home: ExchangeHome,
    ask: Ask,
    attempt: Attempt,
    head: unknown,
    source: Source,
    { idleMs }: UploadOptions,
  ) {
    super(home, ask, attempt, head);
    this.#source = source;
    this.#idleMs = idleMs;
  }

  protected override get body(): NonNullable<Dispatcher.DispatchOptions["body"]> {
    this.#items?.break();
    const { ask, written, home } = this;
    const foreign = ask.foreign;
    const encode = (item: unknown): Buffer => {
      const bytes = ask.writeItem(item);
      if (!foreign) return enveloped(Envelope.item, bytes);
      return ask.operation.input === raw ? bytes : Buffer.concat([bytes, newline]);
    };
    // A body begins with its first bytes: without them the server would hear of nothing. Of lines the head is the first.
    const preamble = foreign
      ? written.head && Buffer.concat([written.head, newline])
      : enveloped(Envelope.head, written.head ?? "");
    const progressed = (): void => void (this.#idleFrom = home.env.now());
    this.#items = new OutgoingItems(preamble, encode, progressed);
    return this.#items as unknown as Readable;
  }

  protected override get extraHeaders(): readonly string[] {
    return this.ask.foreign ? [] : [acceptanceHeader, "102"];
  }

  protected override get movable(): boolean {
    return !this.#accepted;
  }

  override sendOn(lane: Lane): void {
    this.#presumedAt = this.home.env.now() + acceptanceMs;
    super.sendOn(lane);
    if (this.ask.foreign) this.#accept();
  }

  protected override interim(status: number): void {
    if (status === 102) this.#accept();
  }

  protected override begin(headers: IncomingHttpHeaders): void {
    this.#alive();
    super.begin(headers);
  }

  #accept(): void {
    if (this.#accepted) return;
    this.#alive();
    void this.#run(this.#items!);
  }

  async #run(items: OutgoingItems): Promise<void> {
    try {
      await this.#source(items);
    } catch (error) {
      if (items.closed) return; // nobody waits for these items any more
      const failure = isTrunklineError(error)
        ? error
        : systemError("CANCELLED", "the items to send failed", { executed: "maybe", cause: error });
      this.abandon(failure);
      return;
    }
    items.complete(this.ask.foreign ? undefined : enveloped(Envelope.end, "{}"));
  }

  protected override finish(): void {
    super.finish();
    this.#items?.break();
  }

  // ---- how long it may take -----------------------------------------------------------------------------------------

  protected override watch(): void {
    const { deadlineAt, totalAt } = this.attempt;
    this.home.env.set(this, Math.min(deadlineAt, totalAt, this.#presumedAt));
  }

  protected override timedOut(): void {
    const now = this.home.env.now();
    const elapsed = Math.round(now - this.startedAt);
    const { deadlineAt, totalAt } = this.attempt;
    if (!this.#accepted && now >= Math.min(deadlineAt, totalAt)) {
      this.abandon(late(`not accepted within ${elapsed} ms`, this.executed));
    } else if (!this.#accepted) {
      this.#accept();
    } else if (now >= totalAt) {
      this.abandon(late(`no answer within ${elapsed} ms`, this.executed));
    } else if (this.#items?.ready === true) {
      this.#idleFrom = now; // it is our items that the peer waits for
      this.#rewatch();
    } else if (now >= this.#idleFrom + this.#idleMs) {
      const idle = Math.round(now - this.#idleFrom);
      this.abandon(late(`no sign of the peer for ${idle} ms`, this.executed));
    } else this.#rewatch();
  }

  #alive(): void {
    this.#idleFrom = this.home.env.now();
    if (this.#accepted) return;
    this.#accepted = true;
    this.#rewatch();
  }

  #rewatch(): void {
    const next = Math.min(this.attempt.totalAt, this.#idleFrom + this.#idleMs);
    if (next === Infinity) this.home.env.clear(this);
    else this.home.env.set(this, next);
  }
}

const newline: Buffer = Buffer.from("\n");
