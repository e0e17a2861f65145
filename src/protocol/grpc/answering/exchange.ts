import { channels } from "../../../base/diagnostics.ts";
import { systemError, type TrunklineError } from "../../../base/error.ts";
import { Alarm } from "../../../base/timer-wheel.ts";
import type { Incoming } from "../../incoming.ts";
import type { Codecs } from "../../operation.ts";
import type { Sink } from "../../protocol.ts";
import { isUnary, takesItems, type Method } from "../methods.ts";
import type { CompressionName } from "../wire/compression.ts";
import { tell, type ToldFailure } from "../wire/failure.ts";
import { cannotBeRead, excessive, invalid, unpacked } from "./received.ts";
import type { HttpChannel } from "./http-channel.ts";
import type { Reply } from "./reply.ts";
import { RequestItems } from "./request-items.ts";
import type { Side } from "./side.ts";

/** What is asked, how it is written, and how it is answered. */
export interface Asked {
  readonly method: Method;
  readonly codecs: Codecs;
  readonly incoming: Incoming;
  /** How messages of the request are compressed, when their flag says so. */
  readonly compression: CompressionName;
  readonly channel: HttpChannel;
  readonly reply: Reply;
  readonly side: Side;
}

/** One request from its headers until its handler has settled, whatever it is spoken in. */
export class Exchange extends Alarm implements Sink {
  readonly #asked: Asked;
  /** The message with which the request begins. */
  #first: { readonly flags: number; readonly payload: Buffer } | undefined;
  #items: RequestItems | undefined;
  /** The handler was started. */
  #started = false;
  /** The end was told. */
  #answered = false;
  /** Nobody waits for anything any more. */
  #gone = false;
  #wake: (() => void) | undefined;

  constructor(asked: Asked) {
    super();
    this.#asked = asked;
    const { incoming, side, method } = asked;
    // Where items flow the time to the acceptance is the caller's to watch; what it waits for in all is ours to keep, too.
    const endsAt = isUnary(method) ? incoming.deadlineAt : incoming.totalAt;
    if (endsAt !== Infinity) side.env.set(this, endsAt);
    if (method.headless) this.#start(undefined);
  }

  // ---- what comes ---------------------------------------------------------------------------------------------------

  envelope(flags: number, payload: Buffer): void {
    if (this.#items !== undefined) this.#items.push(flags, payload);
    else if (this.closed) return;
    else if (takesItems(this.#asked.method)) this.#start({ flags, payload });
    else if (this.#first === undefined) this.#first = { flags, payload };
    else this.refuse(miscounted("more than one message"));
  }

  excessive(bytes: number): void {
    const { itemBytesMax } = this.#asked.side;
    this.#broken(excessive(`takes ${bytes} bytes, ${itemBytesMax} are allowed`) as TrunklineError);
  }

  /** What comes is not what it says it is. */
  malformed(reason: string): void {
    this.#broken(invalid(reason) as TrunklineError);
  }

  /** All of the request has come. `unfinished`: in the middle of a message. */
  ended(unfinished: boolean): void {
    if (this.closed) return;
    if (unfinished) this.#broken(invalid("the request ends within a message") as TrunklineError);
    else if (this.#items !== undefined) this.#asked.side.env.defer(() => this.#itemsEnded());
    else if (this.#first !== undefined) this.#start(this.#first);
    else this.refuse(miscounted("no message"));
  }

  #itemsEnded(): void {
    if (!this.closed && !this.#asked.channel.cutShort) this.#items?.end();
  }

  /** The caller gave up (`caller`), or its connection is lost. */
  gone(reason: "caller" | "peer"): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#asked.side.env.clear(this);
    this.#wakeUp();
    if (this.#answered) return;
    this.#asked.incoming.cancel(reason);
    this.#items?.abort(
      reason === "caller"
        ? "the caller gave up before its items were complete"
        : "the caller was gone before its items were complete",
    );
  }

  /** Its time is over: the caller is told, whatever the handler still does. */
  ring(): void {
    const ran = this.#started ? "maybe" : "no";
    this.#fail(
      systemError("DEADLINE_EXCEEDED", "the deadline of the call is over", { executed: ran }),
    );
    this.#asked.incoming.cancel("deadline");
    this.#items?.abort("the time was over before the items were complete");
    this.#wakeUp();
  }

  // ---- what is done -------------------------------------------------------------------------------------------------

  #start(first: { readonly flags: number; readonly payload: Buffer } | undefined): void {
    const { method, codecs, incoming, side, compression } = this.#asked;
    let input: unknown;
    if (first !== undefined) {
      try {
        const memory = unpacked(first.flags, first.payload, compression, side.itemBytesMax);
        input = decoded(memory, codecs);
      } catch (error) {
        this.refuse(error as TrunklineError);
        return;
      }
    }
    this.#started = true;
    side.began(incoming);
    if (takesItems(method)) {
      this.#items = new RequestItems(
        this.#asked.channel.body,
        codecs.input,
        compression,
        side.itemBytesMax,
        () => this.#asked.reply.accept(),
      );
    }
    if (method.kind === "notification") this.#acknowledge();
    void this.#run(input);
  }

  /** A notification is answered when it was handed on: nobody is told what becomes of it. */
  #acknowledge(): void {
    this.#end();
    this.#asked.reply.answer(this.#asked.codecs.output.encode(undefined));
  }

  async #run(input: unknown): Promise<void> {
    const { incoming, side } = this.#asked;
    try {
      const output = await this.#work(input);
      this.#succeed(output);
    } catch (error) {
      this.#fail(error as TrunklineError);
    }
    this.#items?.drop();
    side.settled(incoming);
  }

  #work(input: unknown): unknown {
    const { method, incoming } = this.#asked;
    const { served, kind } = method;
    switch (kind) {
      case "stream":
        return served.stream(input, incoming, this);
      case "upload":
        return served.upload(input, this.#items!, incoming);
      case "duplex":
        return served.duplex(input, this.#items!, incoming, this);
      default:
        return served.handle(input, incoming);
    }
  }

  #succeed(output: unknown): void {
    if (this.closed) return;
    const { method, reply } = this.#asked;
    if (method.kind === "stream" || method.kind === "duplex") {
      this.#end();
      reply.complete();
      return;
    }
    const payload = this.#encoded(output);
    this.#end();
    reply.answer(payload);
  }

  /** Throws what the caller is told when it cannot be written: the handler ran, so it says `yes`. */
  #encoded(output: unknown): string | Uint8Array {
    const { method, codecs, side } = this.#asked;
    let payload: string | Uint8Array;
    try {
      payload = codecs.output.encode(output);
    } catch (exception) {
      throw method.served.incident(exception);
    }
    // A character takes three bytes at most.
    if (payload.length * 3 <= side.itemBytesMax) return payload;
    const bytes = typeof payload === "string" ? Buffer.byteLength(payload) : payload.length;
    if (bytes <= side.itemBytesMax) return payload;
    const reason = `the output takes ${bytes} bytes, ${side.itemBytesMax} are allowed`;
    throw systemError("RESOURCE_EXHAUSTED", reason, {
      executed: "yes",
      advice: "answer in parts (a stream), or raise itemBytesMax on both sides",
    });
  }

  /** What follows is the last that is said. */
  #end(): void {
    this.#answered = true;
    this.#asked.side.env.clear(this);
    const { channel, side } = this.#asked;
    if (!channel.body.readableEnded) channel.hangUp(side.env);
  }

  #fail(error: TrunklineError): void {
    if (this.closed) return;
    this.#end();
    const { method, reply } = this.#asked;
    let told: ToldFailure;
    try {
      told = tell(error, method.domain, method.errors);
    } catch (exception) {
      told = tell(method.served.incident(exception), method.domain, method.errors);
    }
    reply.fail(told);
  }

  /** Nothing ran: the caller may safely try elsewhere. */
  refuse(error: TrunklineError): void {
    const { method } = this.#asked;
    method.served.refused?.(error.code);
    if (channels.refusal.hasSubscribers) {
      channels.refusal.publish({ operation: method.name, code: error.code, reason: error.reason });
    }
    this.#fail(error);
  }

  /** What came is no message: fatal for the request, or for the items of a handler that runs. */
  #broken(error: TrunklineError): void {
    if (this.#items === undefined) this.refuse(error);
    else this.#items.fail(error);
  }

  // ---- Sink ---------------------------------------------------------------------------------------------------------

  get closed(): boolean {
    return this.#gone || this.#answered;
  }

  get ready(): boolean {
    return this.#asked.reply.writable;
  }

  whenReady(): Promise<void> {
    if (this.closed || this.ready) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#asked.reply.whenDrained(() => this.#drained());
    });
  }

  put(item: unknown): void {
    if (this.closed) return;
    this.#asked.reply.item(this.#encoded(item));
  }

  #drained(): void {
    if (this.#wake === undefined) return;
    if (this.closed || this.ready) this.#wakeUp();
    else this.#asked.reply.whenDrained(() => this.#drained());
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}

function decoded(memory: Buffer, { first }: Codecs): unknown {
  try {
    return first.decode(memory, 0, memory.length);
  } catch (cause) {
    throw cannotBeRead("the input", first.name, cause);
  }
}

function miscounted(came: string): TrunklineError {
  const reason = `${came} came where one was expected`;
  return systemError("UNIMPLEMENTED", reason, { executed: "no" });
}
