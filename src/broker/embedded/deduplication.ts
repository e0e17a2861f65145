import { readProperties } from "../../wire/amqp091/properties.ts";
import type { Message } from "./message.ts";
import type { RecentlyPublished } from "./recently-published.ts";
import type { FieldValue, Table } from "./terms.ts";

/**
 * Exchanges and queues that are declared with it, as `true`, take a message once, under the names that LavinMQ gives: they know it
 * by the header that the argument `x-deduplication-header` names (default: a header of that name), and without it by its
 * message-id, for `x-cache-ttl` milliseconds. `x-cache-size` is taken and means nothing: all share one bound.
 */
const onceArgument = "x-message-deduplication";

const headerArgument = "x-deduplication-header";

/** Whether all messages are taken once where these arguments were given. */
export function isOnce(given: Table | undefined): given is Table {
  return given !== undefined && given[onceArgument] === true;
}

/** What became of a message, as far as it matters here. */
interface Outcome {
  readonly refused: boolean;
  readonly batch: number;
}

/** Publishes unless that was done already; then it is as safe as what is known: `known` says so. `place`: where it is published. */
export function publishOnce<Done extends Outcome>(
  recent: RecentlyPublished,
  place: string,
  given: Table,
  message: Message,
  publish: () => Done,
  known: (batch: number) => Done,
): Done {
  const own = ownOf(message, given[headerArgument]);
  if (own === undefined) return publish();
  const identity = `${place}\u0000${own}`;
  const withinMs = given["x-cache-ttl"];
  if (recent.has(identity, typeof withinMs === "number" ? withinMs : undefined))
    return known(recent.batch);
  const done = publish();
  if (!done.refused) recent.add(identity, done.batch > 0);
  return done;
}

function ownOf(message: Message, header: FieldValue = headerArgument): string | undefined {
  const { headers = {}, messageId } = readProperties(message.properties);
  const own = typeof header === "string" ? headers[header] : undefined;
  return typeof own === "string" || typeof own === "number" ? `${own}` : messageId;
}
