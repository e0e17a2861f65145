import { systemError, type TrunklineError } from "../../../base/error.ts";
import { Alarm } from "../../../base/timer-wheel.ts";
import type { Sink } from "../../protocol.ts";
import { Envelope, enveloped } from "../wire/envelope.ts";
import { problemText, tooLarge } from "../wire/problem.ts";
import { heartbeatMs } from "./bounds.ts";
import { statusFor, type Exchange } from "./exchange.ts";

/** Items that a caller reads as they come: events, lines, envelopes, or bytes as they are. */
export class ItemWriter extends Alarm implements Sink {
  readonly #exchange: Exchange;
  #written = 0;
  /** What was written waits in this process: the caller reads more slowly than we write. */
  #full = false;
  #wake: (() => void) | undefined;

  constructor(exchange: Exchange) {
    super();
    this.#exchange = exchange;
    const { response } = exchange;
    response.on("drain", () => {
      this.#full = false;
      this.#wakeUp();
    });
    exchange.whenClosed = () => {
      exchange.home.env.clear(this);
      this.#wakeUp();
    };
    this.#rest();
  }

  get closed(): boolean {
    return this.#exchange.gone;
  }

  get ready(): boolean {
    return !this.#full;
  }

  whenReady(): Promise<void> {
    if (this.closed || this.ready) return Promise.resolve();
    return new Promise((resolve) => (this.#wake = resolve));
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  put(item: unknown): void {
    if (this.closed) return;
    const { endpoint, written, home } = this.#exchange;
    let payload: string | Uint8Array;
    try {
      payload = written!.codec.encode(item);
    } catch (exception) {
      throw endpoint!.served.incident(exception);
    }
    const bytes = typeof payload === "string" ? Buffer.byteLength(payload) : payload.length;
    if (bytes > home.bounds.itemBytesMax) throw excess(bytes, home.bounds.itemBytesMax);
    if (!this.#exchange.answered) this.#exchange.begin();
    this.#write(this.#framed(payload));
    this.#rest();
  }

  /** Where text is JSON, nothing at all is no value: it is written as `null`. */
  #framed(payload: string | Uint8Array): string | Uint8Array {
    switch (this.#exchange.written!.framing!) {
      case "events":
        return `id: ${++this.#written}\ndata: ${(payload as string) || "null"}\n\n`;
      case "lines":
        return `${(payload as string) || "null"}\n`;
      case "envelopes":
        return enveloped(Envelope.item, payload);
      case "octets":
        return payload;
    }
  }

  #write(chunk: string | Uint8Array): void {
    if (!this.#exchange.response.write(chunk)) this.#full = true;
  }

  /** There are no more items. */
  end(): void {
    this.#finish("end", Envelope.end, "{}");
  }

  /**
   * There are no more items, because it failed. Before the first one that is a failure like any other; after it, where there
   * is no word for it, the body is cut short, so that nobody takes it for complete.
   */
  fail(error: TrunklineError): void {
    const { answered, endpoint, written, gone } = this.#exchange;
    if (!answered) {
      this.#exchange.home.env.clear(this);
      this.#exchange.fail(error);
    } else if (written!.framing === "events" || written!.framing === "envelopes") {
      this.#finish("error", Envelope.end, this.#told(error, endpoint!.route.errors));
    } else {
      this.#exchange.home.env.clear(this);
      if (!gone) this.#exchange.cutShort();
    }
  }

  #told(error: TrunklineError, errors: Readonly<Record<string, number>>): string {
    let text: string | undefined;
    try {
      text = problemText(error, statusFor(error, errors));
    } catch (exception) {
      return this.#told(this.#exchange.endpoint!.served.incident(exception), {});
    }
    return text ?? this.#told(tooLarge(error), {});
  }

  #finish(event: string, flag: number, payload: string): void {
    this.#exchange.home.env.clear(this);
    if (this.closed) return;
    if (!this.#exchange.answered) this.#exchange.begin();
    const { framing } = this.#exchange.written!;
    if (framing === "events") this.#exchange.end(`event: ${event}\ndata: ${payload}\n\n`);
    else this.#exchange.end(framing === "envelopes" ? enveloped(flag, payload) : undefined);
  }

  // ---- signs of life ------------------------------------------------------------------------------------------------

  /** Events are read by browsers, through proxies that cut what is silent; whoever reads the others knows to wait. */
  #rest(): void {
    if (this.#exchange.written!.framing !== "events") return;
    const { env } = this.#exchange.home;
    env.set(this, env.now() + heartbeatMs);
  }

  ring(): void {
    if (this.closed) return;
    if (!this.#exchange.answered) this.#exchange.begin();
    if (!this.#full) this.#write(":\n\n");
    this.#rest();
  }
}

function excess(bytes: number, bytesMax: number): TrunklineError {
  return systemError(
    "RESOURCE_EXHAUSTED",
    `the item takes ${bytes} bytes, ${bytesMax} are allowed`,
    {
      executed: "yes",
      advice: "send smaller items, or raise itemBytesMax on both sides",
    },
  );
}
