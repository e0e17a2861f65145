import type { OutgoingHttpHeaders } from "node:http";

import { compress, compressedFromBytes, type Compression } from "../wire/compression.ts";
import { failureJson, httpStatusOf } from "../wire/json-failure.ts";
import { toldBeside, type ToldFailure } from "../wire/failure.ts";
import type { HttpChannel } from "./http-channel.ts";
import type { Reply } from "./reply.ts";

/** Answers one message as Connect does: it is the body, and a failure is JSON with a status of HTTP. */
export class ConnectUnaryReply implements Reply {
  readonly writable = true;
  readonly #channel: HttpChannel;
  readonly #contentType: string;
  readonly #compression: Compression | undefined;
  #further: OutgoingHttpHeaders;

  constructor(
    channel: HttpChannel,
    contentType: string,
    compression: Compression | undefined,
    further: OutgoingHttpHeaders,
  ) {
    this.#channel = channel;
    this.#contentType = contentType;
    this.#compression = compression;
    this.#further = further;
  }

  tell(headers: OutgoingHttpHeaders): void {
    this.#further = { ...this.#further, ...headers };
  }

  answer(payload: string | Uint8Array): void {
    const compression = this.#compression;
    const small = compression === undefined || payload.length < compressedFromBytes;
    const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
    this.#send(
      200,
      this.#contentType,
      small ? bytes : compress(compression, bytes),
      small ? {} : { "content-encoding": compression },
    );
  }

  fail(failure: ToldFailure): void {
    const body = Buffer.from(JSON.stringify(failureJson(failure)));
    const told = Object.fromEntries(toldBeside(failure));
    this.#send(httpStatusOf(failure.status), "application/json", body, told);
  }

  #send(status: number, contentType: string, body: Uint8Array, more: OutgoingHttpHeaders): void {
    const channel = this.#channel;
    if (channel.gone) return;
    channel.head(status, {
      "content-type": contentType,
      "content-length": body.length,
      ...this.#further,
      ...more,
    });
    channel.out.end(body);
  }

  // Here nobody sends or awaits many messages.
  whenDrained(): void {}
  accept(): void {}
  item(): void {}
  complete(): void {}
}
