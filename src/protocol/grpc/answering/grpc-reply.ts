import type { OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";

import type { Env } from "../../../base/env.ts";
import { compress, compressedFromBytes, type Compression } from "../wire/compression.ts";
import { compressedFlag, envelope } from "../wire/envelope.ts";
import { toldBeside, type ToldFailure } from "../wire/failure.ts";
import { acceptedHeader } from "../wire/metadata.ts";
import { writeRpcStatus } from "../wire/rpc-status.ts";
import { percentEncode } from "../wire/text.ts";
import { Outlet } from "./outlet.ts";
import type { Reply } from "./reply.ts";

// `sendDate` is not in the types: gRPC has no use for a date, and it is one header less in each answer.
const trailersFollow = { waitForTrailers: true, sendDate: false };
const nothingFollows = { endStream: true, sendDate: false };
const accepted: OutgoingHttpHeaders = { [acceptedHeader]: "1" };
const succeeded: OutgoingHttpHeaders = { "grpc-status": "0" };

/** Answers as gRPC does over HTTP/2: messages in envelopes, then trailers. */
export class GrpcReply implements Reply {
  readonly #stream: ServerHttp2Stream;
  readonly #contentType: string;
  readonly #compression: Compression | undefined;
  readonly #env: Env;
  #outlet: Outlet | undefined;
  #trailers: OutgoingHttpHeaders = succeeded;
  #further: OutgoingHttpHeaders | undefined;

  constructor(
    stream: ServerHttp2Stream,
    contentType: string,
    compression: Compression | undefined,
    env: Env,
  ) {
    this.#stream = stream;
    this.#contentType = contentType;
    this.#compression = compression;
    this.#env = env;
  }

  get writable(): boolean {
    return this.#outlet?.writable ?? true;
  }

  whenDrained(listener: () => void): void {
    this.#opened().whenDrained(listener);
  }

  tell(headers: OutgoingHttpHeaders): void {
    this.#further = { ...this.#further, ...headers };
  }

  accept(): void {
    if (!this.#gone) this.#head(accepted);
  }

  item(payload: string | Uint8Array): void {
    if (this.#gone) return;
    this.#head();
    this.#opened().write(this.#framed(payload));
  }

  answer(payload: string | Uint8Array): void {
    if (this.#gone) return;
    this.#head();
    this.#stream.end(this.#framed(payload));
  }

  complete(): void {
    if (this.#gone) return;
    this.#head();
    this.#opened().end();
  }

  fail(failure: ToldFailure): void {
    if (this.#gone) return;
    const trailers = trailersOf(failure, this.#stream);
    if (!this.#stream.headersSent) {
      this.#stream.respond(
        { ":status": 200, "content-type": this.#contentType, ...this.#further, ...trailers },
        nothingFollows,
      );
      return;
    }
    this.#trailers = trailers;
    this.#opened().end();
  }

  get #gone(): boolean {
    return this.#stream.destroyed || this.#stream.closed || this.#stream.writableEnded;
  }

  #opened(): Outlet {
    return (this.#outlet ??= new Outlet(this.#stream, this.#env));
  }

  #head(further?: OutgoingHttpHeaders): void {
    const stream = this.#stream;
    if (stream.headersSent) return;
    const headers: OutgoingHttpHeaders = {
      ":status": 200,
      "content-type": this.#contentType,
      ...further,
    };
    if (this.#compression !== undefined) headers["grpc-encoding"] = this.#compression;
    if (this.#further !== undefined) Object.assign(headers, this.#further);
    stream.respond(headers, trailersFollow);
    stream.on("wantTrailers", () => stream.sendTrailers(this.#trailers));
  }

  #framed(payload: string | Uint8Array): Buffer {
    const compression = this.#compression;
    if (compression === undefined || payload.length < compressedFromBytes)
      return envelope(0, payload);
    return envelope(compressedFlag, compress(compression, payload));
  }
}

/** What every peer is ready to take as headers, or has said that it is not. */
const headersBytesMin = 8 * 1024;

function trailersOf(failure: ToldFailure, { session }: ServerHttp2Stream): OutgoingHttpHeaders {
  const { status, message } = failure;
  const trailers: OutgoingHttpHeaders = { "grpc-status": String(status) };
  if (message !== "") trailers["grpc-message"] = percentEncode(message);
  for (const [name, value] of toldBeside(failure)) trailers[name] = value;
  const details = Buffer.from(writeRpcStatus(failure)).toString("base64");
  // A peer that cannot take the details is told the rest, rather than that nothing can be told.
  const room = session?.remoteSettings.maxHeaderListSize ?? headersBytesMin;
  if (details.length + message.length * 3 + 512 <= room)
    trailers["grpc-status-details-bin"] = details;
  return trailers;
}
