import type { IncomingHttpHeaders, IncomingHttpStatusHeader } from "node:http2";

import { systemError, type TrunklineError } from "../../../base/error.ts";
import type { Executed } from "../../../base/outcome.ts";
import { compressionNamed, isCompressed, type CompressionName } from "../wire/compression.ts";
import { compressedFlag, endFlag, EnvelopeReader, type EnvelopeOwner } from "../wire/envelope.ts";
import { executedOf, heard, type ErrorTypes } from "../wire/failure.ts";
import { readFailureJson } from "../wire/json-failure.ts";
import {
  acceptedHeader,
  executedHeader,
  pushbackHeader,
  textOf,
  type HttpHeaders,
} from "../wire/metadata.ts";
import { readRpcStatus, type RpcStatus } from "../wire/rpc-status.ts";
import { statusName } from "../wire/status.ts";
import { percentDecode } from "../wire/text.ts";
import { foreignTruth, saidExecuted, strangeAnswer } from "./truth.ts";

/** The headers with which an answer begins. */
export type AnswerHead = IncomingHttpHeaders & IncomingHttpStatusHeader;

/** Who is told what comes of an answer. */
export interface AnswerOwner {
  readonly errors: ErrorTypes;
  /** The largest message that is taken. */
  readonly bytesMax: number;
  /** The server has begun to answer. `reads`: because its handler reads the items, it says. */
  accepted(reads: boolean): void;
  /** One message, not yet decompressed. */
  message(flags: number, payload: Buffer, compression: CompressionName): void;
  excessive(bytes: number): void;
  /** All has come; with the failure when that is what was said. */
  finished(failure?: TrunklineError): void;
}

/** Reads the answer to one request, in its protocol. */
export interface Answer {
  head(headers: AnswerHead): void;
  data(chunk: Buffer): void;
  trailers(headers: IncomingHttpHeaders): void;
  end(): void;
}

/** Answers of gRPC: messages in envelopes, the status in the trailers, or at once in the headers. */
export class GrpcAnswer implements Answer, EnvelopeOwner {
  readonly #owner: AnswerOwner;
  readonly #reader: EnvelopeReader;
  #compression: CompressionName = "identity";
  #strange: TrunklineError | undefined;
  #trailers: HttpHeaders | undefined;
  #answered = false;

  constructor(owner: AnswerOwner) {
    this.#owner = owner;
    this.#reader = new EnvelopeReader(owner.bytesMax, this);
  }

  head(headers: AnswerHead): void {
    const status = headers[":status"] ?? 0;
    if (headers["grpc-status"] !== undefined) this.#trailers = headers;
    else if (status !== 200 || !headers["content-type"]?.startsWith("application/grpc")) {
      this.#strange = strangeAnswer(status, headers);
    } else {
      this.#compression = compressionNamed(textOf(headers["grpc-encoding"])) ?? "identity";
      this.#owner.accepted(headers[acceptedHeader] === "1");
    }
  }

  data(chunk: Buffer): void {
    if (this.#strange === undefined) this.#reader.push(chunk);
  }

  trailers(headers: IncomingHttpHeaders): void {
    this.#trailers = headers;
  }

  envelope(flags: number, payload: Buffer): void {
    this.#answered = true;
    this.#owner.message(flags, payload, this.#compression);
  }

  excessive(bytes: number): void {
    this.#owner.excessive(bytes);
  }

  end(): void {
    const trailers = this.#trailers;
    const status = trailers === undefined ? undefined : textOf(trailers["grpc-status"]);
    if (status === undefined || !/^\d{1,3}$/.test(status)) {
      this.#owner.finished(this.#strange ?? cutShort("without a status"));
    } else if (status !== "0") {
      this.#owner.finished(this.#failure(Number(status), trailers!));
    } else if (this.#reader.unfinished) this.#owner.finished(cutShort("within a message"));
    else this.#owner.finished();
  }

  #failure(status: number, trailers: HttpHeaders): TrunklineError {
    const bytes = textOf(trailers["grpc-status-details-bin"]);
    const rich = bytes === undefined ? undefined : readRpcStatus(Buffer.from(bytes, "base64"));
    const message = percentDecode(textOf(trailers["grpc-message"]) ?? "");
    const told: RpcStatus = { status, message, details: rich?.details ?? [] };
    return failureOf(told, this.#owner, beside(trailers), this.#answered);
  }
}

/** The streams of Connect: messages in envelopes, the last of which says how it ended. */
export class ConnectStreamAnswer implements Answer, EnvelopeOwner {
  readonly #owner: AnswerOwner;
  readonly #reader: EnvelopeReader;
  #compression: CompressionName = "identity";
  #refusal: ErrorBody | undefined;
  #end: Buffer | undefined;
  #answered = false;

  constructor(owner: AnswerOwner) {
    this.#owner = owner;
    this.#reader = new EnvelopeReader(owner.bytesMax, this);
  }

  head(headers: AnswerHead): void {
    const type = headers["content-type"];
    if (headers[":status"] !== 200 || !type?.startsWith("application/connect+")) {
      this.#refusal = new ErrorBody(headers);
      return;
    }
    const encoding = textOf(headers["connect-content-encoding"]);
    this.#compression = compressionNamed(encoding) ?? "identity";
    this.#owner.accepted(headers[acceptedHeader] === "1");
  }

  data(chunk: Buffer): void {
    if (this.#refusal === undefined) this.#reader.push(chunk);
    else this.#refusal.data(chunk);
  }

  trailers(): void {}

  envelope(flags: number, payload: Buffer): void {
    if ((flags & endFlag) !== 0) this.#end = payload;
    else {
      this.#answered = true;
      this.#owner.message(flags, payload, this.#compression);
    }
  }

  excessive(bytes: number): void {
    this.#owner.excessive(bytes);
  }

  end(): void {
    const owner = this.#owner;
    if (this.#refusal !== undefined) owner.finished(this.#refusal.failure(owner));
    else if (this.#end === undefined) owner.finished(cutShort("without its last message"));
    else owner.finished(this.#told(this.#end));
  }

  #told(end: Buffer): TrunklineError | undefined {
    const { error, metadata } = (jsonOf(end) ?? {}) as Record<string, unknown>;
    if (error === undefined) return undefined;
    const status = readFailureJson(error);
    if (status === undefined) return cutShort("with an error that cannot be read");
    const values = (metadata ?? {}) as Record<string, unknown>;
    const said = (name: string): string | undefined => {
      const value = values[name];
      return Array.isArray(value) ? String(value[0]) : undefined;
    };
    const told = { executed: executedOf(said(executedHeader)), pushback: said(pushbackHeader) };
    return failureOf(status, this.#owner, told, this.#answered);
  }
}

/** Answers of Connect to one message by one: the body is the message, or the error as JSON. */
export class ConnectUnaryAnswer implements Answer {
  readonly #owner: AnswerOwner;
  #compression: CompressionName = "identity";
  #refusal: ErrorBody | undefined;
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(owner: AnswerOwner) {
    this.#owner = owner;
  }

  head(headers: AnswerHead): void {
    const type = headers["content-type"];
    if (headers[":status"] !== 200 || !/^application\/(proto|json)/.test(type ?? "")) {
      this.#refusal = new ErrorBody(headers);
      return;
    }
    this.#compression = compressionNamed(textOf(headers["content-encoding"])) ?? "identity";
    this.#owner.accepted(headers[acceptedHeader] === "1");
  }

  data(chunk: Buffer): void {
    if (this.#refusal !== undefined) return this.#refusal.data(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > this.#owner.bytesMax) {
      this.#parts = [];
      this.#owner.excessive(this.#bytes);
    } else this.#parts.push(chunk);
  }

  trailers(): void {}

  end(): void {
    const owner = this.#owner;
    if (this.#refusal !== undefined) {
      owner.finished(this.#refusal.failure(owner));
      return;
    }
    const compressed = isCompressed(this.#compression) && this.#bytes > 0;
    const whole = Buffer.concat(this.#parts, this.#bytes);
    owner.message(compressed ? compressedFlag : 0, whole, this.#compression);
    owner.finished();
  }
}

/** Errors that are longer say nothing that is worth it. */
const errorBytesMax = 256 * 1024;

/** An error of Connect as a body of JSON; or whatever else came with a status that is not 200. */
class ErrorBody {
  readonly #headers: AnswerHead;
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(headers: AnswerHead) {
    this.#headers = headers;
  }

  data(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes <= errorBytesMax) this.#parts.push(chunk);
    else this.#parts = [];
  }

  failure(owner: AnswerOwner): TrunklineError {
    const json = jsonOf(Buffer.concat(this.#parts));
    const status = readFailureJson(json);
    if (status === undefined) return strangeAnswer(this.#headers[":status"] ?? 0, this.#headers);
    return failureOf(status, owner, beside(this.#headers), false);
  }
}

function failureOf(
  told: RpcStatus,
  { errors }: AnswerOwner,
  said: SaidBeside,
  answered: boolean,
): TrunklineError {
  const foreign =
    told.details.length === 0 ? foreignTruth(statusName(told.status) ?? "", answered) : undefined;
  return heard(told, errors, said.executed ?? foreign, said.pushback);
}

/** What a server says of a failure beside its details. */
interface SaidBeside {
  readonly executed: Executed | undefined;
  readonly pushback: string | undefined;
}

function beside(headers: HttpHeaders): SaidBeside {
  return { executed: saidExecuted(headers), pushback: textOf(headers[pushbackHeader]) };
}

function cutShort(how: string): TrunklineError {
  return systemError("UNAVAILABLE", `the answer has ended ${how}`, { executed: "maybe" });
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8")) as unknown;
  } catch {
    return undefined;
  }
}
