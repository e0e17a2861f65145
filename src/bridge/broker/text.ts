import { isTrunklineError, systemError, type TrunklineError } from "../../base/error.ts";
import { isSystemCode, type Executed } from "../../base/outcome.ts";
import type { Outgoing, Receipt } from "../../broker/broker.ts";
import { channel, type Channel } from "../../broker/channel.ts";
import type { Envelope } from "../../broker/envelope.ts";

/** An envelope without its data. */
export type EnvelopeText = Omit<Envelope, "data">;

export function envelopeText(envelope: Envelope): EnvelopeText {
  const { id, type, source, subject, time, contentType, attributes } = envelope;
  return { id, type, source, subject, time, contentType, attributes };
}

/** Throws INVALID_ARGUMENT for what is no envelope. */
export function envelopeOf(text: unknown, data: Uint8Array | undefined): Envelope {
  const { id, type, source, subject, time, contentType, attributes } = fieldsOf(text);
  const sound =
    data !== undefined &&
    [id, type, source, contentType].every((each) => typeof each === "string") &&
    (subject === undefined || typeof subject === "string") &&
    Number.isFinite(time) &&
    typeof attributes === "object" &&
    attributes !== null &&
    Object.values(attributes).every((each) => typeof each === "string");
  if (!sound) throw noMessage("its envelope is of another form");
  return { id, type, source, subject, time, contentType, attributes, data } as Envelope;
}

/** Throws INVALID_ARGUMENT for what is no channel. */
export function channelOf(text: unknown): Channel {
  const given = fieldsOf(text);
  const { name, shape, groups = [] } = given;
  const sound =
    typeof name === "string" &&
    (shape === "queue" || shape === "topic") &&
    Array.isArray(groups) &&
    groups.every((each) => typeof each === "string");
  if (!sound) throw noMessage("its channel is of another form");
  return channel(given as Partial<Channel> & Pick<Channel, "name" | "shape">);
}

/** A message to publish. Its channel as a whole, or by its name, where the sheet says it before. */
export interface OutgoingText {
  readonly channel: Channel | string;
  readonly envelope: EnvelopeText;
  readonly to?: string | undefined;
  readonly notBefore?: number | undefined;
  readonly priority?: number | undefined;
}

export function outgoingText(
  { envelope, to, notBefore, priority }: Outgoing,
  where: Channel | string,
): OutgoingText {
  return { channel: where, envelope: envelopeText(envelope), to, notBefore, priority };
}

/** `channels`: those that were said before. Throws INVALID_ARGUMENT for what is no message. */
export function outgoingOf(
  text: unknown,
  data: Uint8Array | undefined,
  channels: ReadonlyMap<string, Channel> = new Map(),
): Outgoing {
  const { channel: where, envelope, to, notBefore, priority } = fieldsOf(text);
  const known = typeof where === "string" ? channels.get(where) : channelOf(where);
  if (known === undefined) throw noMessage("its channel was not said before");
  const sound =
    (to === undefined || typeof to === "string") &&
    [notBefore, priority].every((each) => each === undefined || Number.isFinite(each));
  if (!sound) throw noMessage("its terms are of another form");
  const terms = { to, notBefore, priority } as Pick<Outgoing, "to" | "notBefore" | "priority">;
  return { channel: known, envelope: envelopeOf(envelope, data), ...terms };
}

/** An error as it crosses a connection. */
export interface ErrorText {
  readonly code: string;
  readonly reason: string;
  readonly executed: Executed;
  readonly advice?: string | undefined;
  readonly gate?: string | undefined;
}

export function errorText({ code, reason, executed, advice, gate }: TrunklineError): ErrorText {
  return { code, reason, executed, advice, gate };
}

export function errorOf(
  { code, reason, executed, advice, gate }: ErrorText,
  endpoint: string,
): TrunklineError {
  const known = isSystemCode(code) ? code : "INTERNAL";
  return systemError(known, reason, { executed, advice, gate, endpoint });
}

/** What became of a message that was to be published. */
export type OutcomeText = Receipt | { readonly error: ErrorText };

export function outcomeText(outcome: Receipt | TrunklineError): OutcomeText {
  return isTrunklineError(outcome) ? { error: errorText(outcome) } : outcome;
}

export function outcomeOf(text: OutcomeText, endpoint: string): Receipt | TrunklineError {
  return "error" in text ? errorOf(text.error, endpoint) : text;
}

/** The same without the fields that say nothing, as they cross a connection. */
export function stated<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, each]) => each !== undefined)) as T;
}

export function fieldsOf(text: unknown): Readonly<Record<string, unknown>> {
  if (typeof text !== "object" || text === null) throw noMessage("it has no fields");
  return text as Readonly<Record<string, unknown>>;
}

function noMessage(why: string): Error {
  return systemError("INVALID_ARGUMENT", `this cannot be read: ${why}`, { executed: "no" });
}
