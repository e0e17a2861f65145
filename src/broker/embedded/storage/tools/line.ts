import { systemError } from "../../../../base/error.ts";
import type { Definition, Json, Row } from "../../storage.ts";

/** What one line of an export says. The first is the head; then come definitions, lanes, marks and messages. */
export type Line =
  | { readonly trunkline: "broker"; readonly version: number }
  | { readonly definition: Definition }
  | { readonly lane: LaneLine }
  | { readonly remembered: { readonly at: number; readonly marks: readonly number[] } }
  | { readonly message: MessageLine };

export interface LaneLine {
  readonly lane: number;
  readonly next: number;
  readonly delivered: number;
  readonly compact: boolean;
}

/** A row; `properties` and `body` in Base64. What is not there is null. */
export interface MessageLine {
  readonly lane: number;
  readonly seq: number;
  readonly attempts: number;
  readonly enqueuedAt: number;
  readonly dueAt: number | null;
  readonly held: boolean;
  readonly exchange: string;
  readonly routingKey: string;
  readonly persistent: boolean;
  readonly priority: number;
  readonly expirationMs: number | null;
  readonly key: string | null;
  readonly properties: string;
  readonly body: string;
}

/** Of what exports say, and not of the tables: it outlives their forms. */
export const exportVersion = 1;

export function messageLine({ message, ...row }: Row): MessageLine {
  const { lane, seq, attempts, enqueuedAt, dueAt = null, held } = row;
  const { exchange, routingKey, persistent, priority, expirationMs = null, key = null } = message;
  return {
    ...{ lane, seq, attempts, enqueuedAt, dueAt, held },
    ...{ exchange, routingKey, persistent, priority, expirationMs, key },
    properties: Buffer.from(message.properties).toString("base64"),
    body: Buffer.from(message.body).toString("base64"),
  };
}

export function rowOf(line: MessageLine): Row {
  const { lane, seq, attempts, enqueuedAt, held, exchange, routingKey } = line;
  const { persistent, priority } = line;
  const message = {
    ...{ exchange, routingKey, persistent, priority },
    expirationMs: line.expirationMs ?? undefined,
    key: line.key ?? undefined,
    properties: Buffer.from(line.properties, "base64"),
    body: Buffer.from(line.body, "base64"),
  };
  const dueAt = line.dueAt ?? undefined;
  return { lane, seq, message, attempts, enqueuedAt, dueAt, held, transient: false };
}

/** Reads a line. @throws TrunklineError INVALID_ARGUMENT, with its number. */
export function parseLine(text: string, number: number): Line {
  try {
    const value = JSON.parse(text) as Json;
    if (typeof value === "object" && value !== null) return value as unknown as Line;
  } catch {
    // told below
  }
  throw systemError("INVALID_ARGUMENT", `Line ${number} is not one of an export.`, {
    executed: "no",
    advice: "Give it what `trunkline broker export` has written.",
  });
}
