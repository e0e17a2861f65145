import type { Attempt } from "../../attempt.ts";
import type { Source, StreamOptions } from "../../protocol.ts";
import { encoded } from "./encoded.ts";
import type { Dialect } from "./head.ts";
import { ItemStream } from "./items.ts";
import type { CalledMethod } from "./method.ts";
import type { RequestHome } from "./request.ts";
import { SentItems, type ItemsForm } from "./sent-items.ts";

/** A duplex that we began: a stream that we read, while our own items go the other way. */
export class Duplex extends ItemStream implements ItemsForm {
  readonly #sent: SentItems;

  constructor(
    home: RequestHome,
    method: CalledMethod,
    dialect: Dialect,
    attempt: Attempt,
    head: unknown,
    source: Source,
    options: StreamOptions,
  ) {
    super(home, method, dialect, attempt, head, options);
    this.#sent = new SentItems(source, this, home.env);
  }

  protected override get ends(): boolean {
    return false;
  }

  protected override get movable(): boolean {
    return !this.#sent.began;
  }

  protected override sent(): void {
    if (!this.session!.trunkline) this.#sent.begin(this.stream!);
  }

  override accepted(): void {
    super.accepted();
    this.#sent.begin(this.stream!);
  }

  written(item: unknown): Buffer {
    return this.enveloped(
      encoded(this.method.codecs.input, item, this.session!.itemBytesMax, "maybe"),
    );
  }

  failed(error: unknown): void {
    this.sourceFailed(error);
  }

  progressed(): void {}

  /** What the server has ended is over both ways. */
  protected override finish(): void {
    super.finish();
    this.#sent.close();
    this.hangUp();
  }
}
