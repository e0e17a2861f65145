import type { Env } from "../../base/env.ts";
import { uuidv7 } from "../../base/id.ts";
import { attribute } from "../../broker/attributes.ts";
import type { Broker } from "../../broker/broker.ts";
import type { Envelope } from "../../broker/envelope.ts";

/** What a message says that comes from the dead letters. */
export interface Redriven {
  /** Who has redriven it, and when, in milliseconds since 1970. */
  readonly by: string;
  readonly at: number;
  /** The reply box that waits to hear what became of it; undefined: nobody waits. */
  readonly to?: string | undefined;
  /** The order of the last letter of it, where there are several: a bury whose ack was lost leaves a second one. */
  readonly upTo?: number | undefined;
}

/** What a consumer tells of a message that was redriven: it is handled, or with the dead letters again. */
export type RedriveEnd = "handled" | "buried";

/** The message of a letter on its way back: the same in all, and it says whence it comes. */
export function redrivenFrom(letter: Envelope, redriven: Redriven): Envelope {
  const { [attribute.expirytime]: _expiry, ...attributes } = letter.attributes;
  return {
    ...letter,
    attributes: { ...attributes, [attribute.redriven]: JSON.stringify(redriven) },
  };
}

/** Undefined: it was not redriven. */
export function redrivenOf({ attributes }: Envelope): Redriven | undefined {
  const text = attributes[attribute.redriven];
  if (text === undefined) return undefined;
  try {
    const { by, at, to, upTo } = JSON.parse(text) as Partial<Record<keyof Redriven, unknown>>;
    if (typeof by !== "string" || typeof at !== "number") return undefined;
    return {
      by,
      at,
      to: typeof to === "string" ? to : undefined,
      upTo: typeof upTo === "number" ? upTo : undefined,
    };
  } catch {
    return undefined;
  }
}

/** The message that a report is about: ids are unique for their source only. */
export function messageOf({ source, id }: Envelope): string {
  return `${source} ${id}`;
}

/** Tells whoever has redriven a message what became of it. Nobody's work depends on it: without it the letter stays. */
export async function tellEnd(
  envelope: Envelope,
  end: RedriveEnd,
  broker: Broker,
  env: Env,
): Promise<void> {
  const to = redrivenOf(envelope)?.to;
  if (to === undefined) return;
  const report: Envelope = {
    id: uuidv7(env),
    type: "trunkline.redriven",
    source: "/trunkline",
    subject: undefined,
    time: env.wall(),
    contentType: "application/json",
    attributes: { [attribute.correlationid]: messageOf(envelope), [attribute.outcome]: end },
    data: new Uint8Array(0),
  };
  try {
    await broker.reply(to, report);
  } catch {
    // The letter stays where it is, and the redrive says that it heard nothing.
  }
}

/** Which message a report is about, and what became of it; undefined: it is none. */
export function endIn({
  attributes,
}: Envelope): { readonly message: string; readonly end: RedriveEnd } | undefined {
  const { [attribute.correlationid]: message, [attribute.outcome]: end } = attributes;
  if (message === undefined || (end !== "handled" && end !== "buried")) return undefined;
  return { message, end };
}
