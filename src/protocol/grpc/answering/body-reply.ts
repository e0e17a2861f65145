import type { OutgoingHttpHeaders } from "node:http";

import type { Env } from "../../../base/env.ts";
import { compress, compressedFromBytes, type Compression } from "../wire/compression.ts";
import { compressedFlag, envelope } from "../wire/envelope.ts";
import type { ToldFailure } from "../wire/failure.ts";
import { acceptedHeader } from "../wire/metadata.ts";
import type { HttpChannel } from "./http-channel.ts";
import { Outlet } from "./outlet.ts";
import type { Reply } from "./reply.ts";

/** How a reply in envelopes differs from its siblings. */
export interface Form {
  readonly contentType: string;
  /** The header that names the compression of messages. */
  readonly encodingHeader: string;
  /** What stands after the last message, a failure or a good end: its flag and its text. */
  last(failure: ToldFailure | undefined): readonly [flags: number, text: string];
  /** All that is written goes through it. */
  written?(memory: Buffer): Buffer;
}

/** Answers in envelopes of which the last says how it ended, so that no trailers are needed: gRPC-Web, and the streams of Connect. */
export class BodyReply implements Reply {
  readonly #channel: HttpChannel;
  readonly #form: Form;
  readonly #compression: Compression | undefined;
  #further: OutgoingHttpHeaders;
  readonly #outlet: Outlet;

  constructor(
    channel: HttpChannel,
    form: Form,
    compression: Compression | undefined,
    further: OutgoingHttpHeaders,
    env: Env,
  ) {
    this.#channel = channel;
    this.#form = form;
    this.#compression = compression;
    this.#further = further;
    this.#outlet = new Outlet(channel.out, env);
  }

  get writable(): boolean {
    return this.#outlet.writable;
  }

  whenDrained(listener: () => void): void {
    this.#outlet.whenDrained(listener);
  }

  tell(headers: OutgoingHttpHeaders): void {
    this.#further = { ...this.#further, ...headers };
  }

  accept(): void {
    if (!this.#channel.gone) this.#head({ [acceptedHeader]: "1" });
  }

  item(payload: string | Uint8Array): void {
    if (this.#channel.gone) return;
    this.#head();
    this.#outlet.write(this.#written(this.#framed(payload)));
  }

  answer(payload: string | Uint8Array): void {
    this.item(payload);
    this.complete();
  }

  complete(): void {
    this.#end(undefined);
  }

  fail(failure: ToldFailure): void {
    this.#end(failure);
  }

  #end(failure: ToldFailure | undefined): void {
    if (this.#channel.gone) return;
    this.#head();
    const [flags, text] = this.#form.last(failure);
    this.#outlet.end(this.#written(envelope(flags, text)));
  }

  #head(accepted?: OutgoingHttpHeaders): void {
    if (this.#channel.headSent) return;
    const { contentType, encodingHeader } = this.#form;
    const headers: OutgoingHttpHeaders = {
      "content-type": contentType,
      ...this.#further,
      ...accepted,
    };
    if (this.#compression !== undefined) headers[encodingHeader] = this.#compression;
    this.#channel.head(200, headers);
  }

  #framed(payload: string | Uint8Array): Buffer {
    const compression = this.#compression;
    if (compression === undefined || payload.length < compressedFromBytes)
      return envelope(0, payload);
    return envelope(compressedFlag, compress(compression, payload));
  }

  #written(memory: Buffer): Buffer {
    return this.#form.written?.(memory) ?? memory;
  }
}
