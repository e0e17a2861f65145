import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import { uuidv7 } from "../../base/id.ts";
import type { Peer } from "../../base/peer.ts";
import { timestamp } from "../../base/timestamp.ts";
import { parseTraceparent } from "../../base/trace.ts";
import { attribute } from "../../broker/attributes.ts";
import type { Broker } from "../../broker/broker.ts";
import { channel, type Channel } from "../../broker/channel.ts";
import { attributeBytesMax, type Envelope } from "../../broker/envelope.ts";
import { json } from "../../codec/json.ts";
import { keyAt } from "../../contract/key.ts";
import type { Attempt } from "../../protocol/attempt.ts";
import { Incoming } from "../../protocol/incoming.ts";
import type { ContractName, Operation } from "../../protocol/operation.ts";
import { hearTries, toldTries } from "../../protocol/standing.ts";
import { brokerCallCapabilities } from "./bounds.ts";

/** What is left of the attributes for what Trunkline itself says. */
const ownBytes = 2_048;

const noHeaders: Readonly<Record<string, string>> = Object.freeze({});

/** True for what can be asked by way of a broker. */
export function isCarried({ kind }: Operation): boolean {
  return brokerCallCapabilities.kinds.includes(kind);
}

/** @throws TrunklineError UNIMPLEMENTED for a broker by which no answer can come. */
export function refuseWithoutReplies({ name, capabilities }: Broker): void {
  if (capabilities.replies !== "none") return;
  throw systemError("UNIMPLEMENTED", `${name} has no replies`, {
    executed: "no",
    advice: "call over another broker, or directly",
  });
}

/** The queue of the requests to one major version of a contract: `orders.1.requests`. In order per key where the contract has keys. */
export function requestChannel(
  { name, major }: ContractName,
  operations: readonly Operation[],
): Channel {
  const ordered = operations.some((operation) => isCarried(operation) && operation.ordered);
  return channel({ name: `${name}.${major}.requests`, shape: "queue", ordered });
}

/**
 * A request as it travels. What is beside the input stands in attributes; headers in one, as JSON, because their names may have what names
 * of attributes may not. Throws INVALID_ARGUMENT, `executed: "no"`, for what cannot be written.
 */
export function requestOf(
  operation: Operation,
  input: unknown,
  attempt: Attempt,
  replyto: string | undefined,
  source: string,
  env: Env,
): Envelope {
  const { trace, idempotencyKey, lane, headers, deadlineAt } = attempt;
  const now = env.wall();
  const tries = toldTries(attempt);
  const told = headers === undefined ? undefined : JSON.stringify(headers);
  const leftMs = deadlineAt - env.now();
  return {
    id: uuidv7(env),
    type: operation.name,
    source,
    subject: operation.key === undefined ? undefined : keyAt(operation.key, input),
    time: now,
    contentType: operation.first === json ? "application/json" : "application/octet-stream",
    attributes: {
      [attribute.traceparent]: trace.traceparent,
      [attribute.schemaversion]: operation.version,
      ...(replyto === undefined ? {} : { [attribute.replyto]: replyto }),
      // A deadline is an instant of everybody's clock: those of who asks and who serves should agree.
      ...(leftMs < Infinity ? { [attribute.expirytime]: timestamp(Math.ceil(now + leftMs)) } : {}),
      ...(lane === undefined ? {} : { [attribute.lane]: lane }),
      ...(idempotencyKey === undefined ? {} : { [attribute.idempotencykey]: idempotencyKey }),
      ...(tries === undefined ? {} : { [attribute.tries]: String(tries) }),
      ...(told === undefined ? {} : { [attribute.headers]: sized(told) }),
    },
    data: encoded(operation, input),
  };
}

function sized(headers: string): string {
  const bytes = Buffer.byteLength(headers);
  if (bytes <= attributeBytesMax - ownBytes) return headers;
  throw systemError(
    "INVALID_ARGUMENT",
    `the headers take ${bytes} bytes, ${attributeBytesMax - ownBytes} are allowed`,
    { executed: "no" },
  );
}

function encoded({ first }: Operation, input: unknown): Uint8Array {
  let text: string | Uint8Array;
  try {
    text = first.encode(input);
  } catch (cause) {
    throw systemError("INVALID_ARGUMENT", `the input cannot be written as ${first.name}`, {
      executed: "no",
      cause,
    });
  }
  return typeof text === "string" ? Buffer.from(text) : text;
}

/** A request as the serving side sees it. */
export function incomingOf({ attributes }: Envelope, peer: Peer, env: Env): Incoming {
  const now = env.now();
  const expires = attributes[attribute.expirytime];
  const leftMs = expires === undefined ? Infinity : Date.parse(expires) - env.wall();
  const traceparent = attributes[attribute.traceparent];
  const incoming = new Incoming(
    peer,
    Number.isNaN(leftMs) ? Infinity : now + leftMs,
    Infinity,
    traceparent === undefined ? undefined : parseTraceparent(traceparent),
    attributes[attribute.idempotencykey],
    headersIn(attributes[attribute.headers]),
    now,
  );
  incoming.lane = attributes[attribute.lane];
  const tries = Number(attributes[attribute.tries]);
  if (Number.isInteger(tries)) hearTries(incoming, tries);
  return incoming;
}

/** What others have written there and is no table of texts is left out: it is not worth failing for. */
function headersIn(text: string | undefined): Readonly<Record<string, string>> {
  if (text === undefined) return noHeaders;
  try {
    const entries = Object.entries(JSON.parse(text) as object).filter(
      (entry): entry is [string, string] => typeof entry[1] === "string",
    );
    return Object.fromEntries(entries);
  } catch {
    return noHeaders;
  }
}

/** Reads the input. Throws what the codec throws. */
export function inputOf({ first }: Operation, { data }: Envelope): unknown {
  const { buffer, byteOffset, byteLength } = data;
  return first.decode(Buffer.from(buffer, byteOffset, byteLength), 0, byteLength);
}
