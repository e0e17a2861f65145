import type { IncomingMessage, ServerResponse } from "node:http";
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";

import { channels } from "../../../base/diagnostics.ts";
import { systemError, type TrunklineError } from "../../../base/error.ts";
import type { Incoming } from "../../incoming.ts";
import { bootHeader } from "../../standing-headers.ts";
import { retirementHeaders } from "../../retirement-headers.ts";
import { isUnary, type Method, type Methods } from "../methods.ts";
import {
  acceptEncoding,
  accepts,
  compressionNamed,
  isCompressed,
  type Compression,
  type CompressionName,
} from "../wire/compression.ts";
import { compressedFlag } from "../wire/envelope.ts";
import { tell } from "../wire/failure.ts";
import { spokenHere, spokenIn, type Spoken } from "../wire/media-type.ts";
import { kindHeader, textOf, userAgent } from "../wire/metadata.ts";
import { BodyReply } from "./body-reply.ts";
import type { Connection } from "./connection.ts";
import { askedByGet } from "./connect-get.ts";
import { ConnectUnaryReply } from "./connect-unary-reply.ts";
import { corsHeaders, preflightHeaders, type Cors } from "./cors.ts";
import { Exchange } from "./exchange.ts";
import { connectForm, webForm } from "./forms.ts";
import { GrpcReply } from "./grpc-reply.ts";
import { Http1Channel, Http2Channel, type HttpChannel } from "./http-channel.ts";
import { takeEnvelopes, takeText, takeWhole } from "./intake.ts";
import { invalid } from "./received.ts";
import type { Reply } from "./reply.ts";
import { incomingOf } from "./request.ts";

export interface ResponderTerms {
  readonly methods: Methods;
  /** How answers are compressed for those who take it, however they ask. Undefined: as they ask. */
  readonly compression: Compression | undefined;
  readonly cors: Cors | undefined;
}

/** The headers in which each dialect says how messages are compressed. */
const encodingHeaders = {
  grpc: { encoding: "grpc-encoding", accept: "grpc-accept-encoding" },
  "grpc-web": { encoding: "grpc-encoding", accept: "grpc-accept-encoding" },
  "grpc-web-text": { encoding: "grpc-encoding", accept: "grpc-accept-encoding" },
  "connect-stream": { encoding: "connect-content-encoding", accept: "connect-accept-encoding" },
  "connect-unary": { encoding: "content-encoding", accept: "accept-encoding" },
} as const;

/** What is known of a request before its messages come. */
export interface Request {
  readonly headers: IncomingHttpHeaders;
  readonly path: string;
  readonly spoken: Spoken;
  readonly channel: HttpChannel;
  readonly reply: Reply;
  readonly connection: Connection;
}

/** Looks at a request, and sees to it that it is answered: in its own form, where it has one. */
export class Responder {
  readonly #terms: ResponderTerms;

  constructor(terms: ResponderTerms) {
    this.#terms = terms;
  }

  stream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, connection: Connection): void {
    const channel = new Http2Channel(stream);
    const spoken = spokenIn(headers["content-type"]);
    const path = headers[":path"] ?? "";
    if (spoken?.dialect !== "grpc" || headers[":method"] !== "POST") {
      this.#answerBody(spoken, channel, headers[":method"] ?? "", path, headers, connection);
      return;
    }
    const compression = this.#compressionOfAnswer(headers, spoken);
    const reply = new GrpcReply(stream, spoken.contentType, compression, connection.env);
    this.#answer({ headers, path, spoken, channel, reply, connection });
  }

  request(request: IncomingMessage, response: ServerResponse, connection: Connection): void {
    const { headers, method = "", url = "" } = request;
    const channel = new Http1Channel(request, response);
    const spoken = spokenIn(headers["content-type"]);
    if (spoken?.dialect === "grpc") {
      refuseHttp(
        connection,
        channel,
        505,
        { "content-type": "text/plain" },
        "gRPC needs HTTP/2; over HTTP/1.1 speak gRPC-Web or Connect\n",
      );
      return;
    }
    this.#answerBody(spoken, channel, method, url, headers, connection);
  }

  /** Whatever is not gRPC itself: it needs no trailers. */
  #answerBody(
    spoken: Spoken | undefined,
    channel: HttpChannel,
    verb: string,
    path: string,
    headers: IncomingHttpHeaders,
    connection: Connection,
  ): void {
    const { cors } = this.#terms;
    const further = corsHeaders(cors, headers);
    if (verb === "OPTIONS" && cors !== undefined) {
      refuseHttp(connection, channel, 204, preflightHeaders(cors, headers));
    } else if (verb === "GET") {
      this.#answerGet(channel, path, headers, connection);
    } else if (verb !== "POST") {
      refuseHttp(connection, channel, 405, { ...further, allow: "POST" });
    } else if (spoken === undefined) {
      refuseHttp(connection, channel, 415, { ...further, "accept-post": spokenHere });
    } else {
      const reply = this.#replyTo(spoken, channel, headers, connection);
      this.#answer({ headers, path, spoken, channel, reply, connection });
    }
  }

  #replyTo(
    spoken: Spoken,
    channel: HttpChannel,
    headers: IncomingHttpHeaders,
    { env }: Connection,
  ): Reply {
    const { dialect, contentType } = spoken;
    const compression = this.#compressionOfAnswer(headers, spoken);
    const further = corsHeaders(this.#terms.cors, headers);
    if (dialect === "connect-unary")
      return new ConnectUnaryReply(channel, contentType, compression, further);
    const form =
      dialect === "connect-stream"
        ? connectForm(contentType)
        : webForm(contentType, dialect === "grpc-web-text");
    return new BodyReply(channel, form, compression, further, env);
  }

  /** Connect's GET: what is asked stands in the URL. */
  #answerGet(
    channel: HttpChannel,
    url: string,
    headers: IncomingHttpHeaders,
    connection: Connection,
  ): void {
    const asked = askedByGet(url);
    const further = corsHeaders(this.#terms.cors, headers);
    if (asked === undefined) {
      refuseHttp(connection, channel, 415, { ...further, "accept-post": spokenHere });
      return;
    }
    const { path, spoken, message, compression } = asked;
    const method = this.#terms.methods.find(path);
    if (method !== undefined && !method.safe) {
      refuseHttp(connection, channel, 405, { ...further, allow: "POST" });
      return;
    }
    const reply = this.#replyTo(spoken, channel, headers, connection);
    const told = { ...headers, "content-encoding": compression };
    this.#answer({ headers: told, path, spoken, channel, reply, connection }, message);
  }

  /** `message`: it came with the headers. */
  #answer(request: Request, message?: Buffer): void {
    const { headers, path, spoken, channel, reply, connection } = request;
    const method = this.#terms.methods.find(path);
    let incoming: Incoming;
    try {
      if (method === undefined) throw unimplemented(`this server does not serve ${path}`);
      const { retirement } = method.served;
      if (retirement !== undefined) reply.tell(retirementHeaders(retirement));
      refuseUnfit(method, request);
      const { http, env, bootId } = connection;
      if (headers["user-agent"] === userAgent && connection.greet())
        reply.tell({ [bootHeader]: bootId });
      incoming = incomingOf(headers, method, spoken, http.peer, bootId, env.now());
    } catch (error) {
      refuse(error as TrunklineError, method, reply);
      channel.body.resume();
      channel.hangUp(connection.env);
      return;
    }
    const compression = compressionOf(headers, spoken)!;
    const exchange = new Exchange({
      method,
      codecs: spoken.format === "json" ? method.json : method.proto,
      incoming,
      compression,
      channel,
      reply,
      side: connection,
    });
    channel.whenGone(exchange);
    const { body } = channel;
    const { itemBytesMax } = connection;
    if (message !== undefined) {
      body.resume();
      exchange.envelope(isCompressed(compression) ? compressedFlag : 0, message);
      exchange.ended(false);
    } else if (spoken.dialect === "connect-unary") {
      takeWhole(body, exchange, itemBytesMax, isCompressed(compression));
    } else if (spoken.dialect === "grpc-web-text") takeText(body, exchange, itemBytesMax);
    else takeEnvelopes(body, exchange, itemBytesMax);
  }

  #compressionOfAnswer(headers: IncomingHttpHeaders, spoken: Spoken): Compression | undefined {
    const names = encodingHeaders[spoken.dialect];
    const list = textOf(headers[names.accept]);
    const { compression } = this.#terms;
    if (compression !== undefined && accepts(list, compression)) return compression;
    const asked = compressionNamed(textOf(headers[names.encoding]));
    if (asked === undefined || asked === "identity") return undefined;
    return list === undefined || accepts(list, asked) ? asked : undefined;
  }
}

/** Throws why a request is not begun. */
function refuseUnfit(
  method: Method,
  { headers, spoken, connection: { refusal }, channel }: Request,
): void {
  if (refusal !== undefined) throw refusal;
  const { name } = method;
  const ours = headers["user-agent"] === userAgent;
  const kind = textOf(headers[kindHeader]) ?? (ours ? "call" : undefined);
  if (kind !== undefined && kind !== method.kind)
    throw unimplemented(`${name} is a ${method.kind}, it was asked as a ${kind}`);
  if (spoken.dialect === "connect-unary" && !isUnary(method)) {
    const type =
      spoken.format === "json" ? "application/connect+json" : "application/connect+proto";
    throw unimplemented(`${name} is a ${method.kind}: its messages come in envelopes, as ${type}`);
  }
  if (method.kind === "duplex" && channel.version === "1.1")
    throw unimplemented(`${name} is a duplex: it needs HTTP/2`);
  if (compressionOf(headers, spoken) === undefined) {
    const { encoding } = encodingHeaders[spoken.dialect];
    const asked = textOf(headers[encoding])!;
    throw unimplemented(`messages in ${asked} cannot be read here: send ${acceptEncoding}`);
  }
  const version = textOf(headers["connect-protocol-version"]);
  if (version !== undefined && version !== "1")
    throw invalid(`connect-protocol-version is ${version}, and 1 is spoken here`);
}

function compressionOf(
  headers: IncomingHttpHeaders,
  { dialect }: Spoken,
): CompressionName | undefined {
  return compressionNamed(textOf(headers[encodingHeaders[dialect].encoding]));
}

function unimplemented(reason: string): TrunklineError {
  return systemError("UNIMPLEMENTED", reason, { executed: "no" });
}

/** Nothing ran: the caller may safely try elsewhere. */
function refuse(error: TrunklineError, method: Method | undefined, reply: Reply): void {
  const { code, reason } = error;
  method?.served.refused?.(code);
  if (channels.refusal.hasSubscribers)
    channels.refusal.publish({ operation: method?.name ?? "unknown", code, reason });
  reply.fail(tell(error, method?.domain ?? "trunkline", method?.errors));
}

/** An answer to those who speak nothing of ours. */
function refuseHttp(
  { env }: Connection,
  channel: HttpChannel,
  status: number,
  headers: Record<string, unknown>,
  text = "",
): void {
  channel.body.resume();
  channel.head(status, headers as never);
  channel.out.end(text);
  channel.hangUp(env);
}
