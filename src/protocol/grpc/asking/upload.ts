import type { Attempt } from "../../attempt.ts";
import type { Source, UploadOptions } from "../../protocol.ts";
import { encoded } from "./encoded.ts";
import type { Dialect } from "./head.ts";
import type { CalledMethod } from "./method.ts";
import type { RequestHome } from "./request.ts";
import { SentItems, type ItemsForm } from "./sent-items.ts";
import { SingleRequest } from "./single.ts";

/** An upload that sends its items and waits for its one answer. */
export class Upload extends SingleRequest implements ItemsForm {
  readonly #sent: SentItems;
  readonly #idleMs: number;
  #accepted = false;
  /** When the server last gave a sign, or it became its turn to give one. */
  #idleFrom = 0;

  constructor(
    home: RequestHome,
    method: CalledMethod,
    dialect: Dialect,
    attempt: Attempt,
    head: unknown,
    source: Source,
    { idleMs }: UploadOptions,
  ) {
    super(home, method, dialect, attempt, head);
    this.#sent = new SentItems(source, this, home.env);
    this.#idleMs = idleMs;
  }

  protected override get ends(): boolean {
    return false;
  }

  protected override get movable(): boolean {
    return !this.#sent.began;
  }

  /** A server of which we do not know that it says when it begins is sent items at once. */
  protected override sent(): void {
    if (!this.session!.trunkline) this.#sent.begin(this.stream!);
  }

  override accepted(reads: boolean): void {
    if (!this.#accepted) {
      this.#accepted = true;
      this.progressed();
      this.#watch();
    }
    if (reads) this.#sent.begin(this.stream!);
  }

  written(item: unknown): Buffer {
    return this.enveloped(
      encoded(this.method.codecs.input, item, this.session!.itemBytesMax, "maybe"),
    );
  }

  failed(error: unknown): void {
    this.sourceFailed(error);
  }

  progressed(): void {
    if (this.#idleMs !== Infinity) this.#idleFrom = this.home.env.now();
  }

  protected override finish(): void {
    super.finish();
    // The server has its answer, or nobody wants it: what was not sent is not needed.
    this.#sent.close();
    this.hangUp();
  }

  protected override timedOut(): void {
    const now = this.home.env.now();
    if (now >= this.attempt.totalAt) this.late(`no answer within ${this.elapsedMs} ms`);
    else if (!this.#accepted) this.late(`not accepted within ${this.elapsedMs} ms`);
    else if (this.#sent.ready) {
      this.#idleFrom = now; // it is our items that the server waits for
      this.#watch();
    } else if (now >= this.#idleFrom + this.#idleMs) {
      this.late(`no sign of the server for ${Math.round(now - this.#idleFrom)} ms`);
    } else this.#watch();
  }

  #watch(): void {
    const next = Math.min(this.attempt.totalAt, this.#idleFrom + this.#idleMs);
    if (next === Infinity) this.home.env.clear(this);
    else this.home.env.set(this, next);
  }
}
