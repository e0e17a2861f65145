import type { Random } from "../../base/random.ts";
import type { Outgoing } from "../../broker/broker.ts";
import { channel as madeChannel, type Channel } from "../../broker/channel.ts";
import type { NewOutboxRow, OutboxRow } from "../../store/outbox-rows.ts";
import { anyLane, laneOfKey } from "./lane.ts";

/** The envelope without what has a column of its own, and how it is to be sent. Short names: it is there once for each row. */
interface Head {
  readonly type: string;
  readonly source: string;
  readonly time: number;
  readonly content: string;
  readonly subject?: string | undefined;
  readonly attributes: Readonly<Record<string, string>>;
  readonly to?: string | undefined;
  readonly priority?: number | undefined;
}

/** Channels known as text are written and read once. */
const texts = new WeakMap<Channel, string>();

/** What is not said otherwise by most channels is left away. */
function textOf(channel: Channel): string {
  let text = texts.get(channel);
  if (text !== undefined) return text;
  const usual: Channel = madeChannel({ name: channel.name, shape: channel.shape });
  const said = Object.entries(channel).filter(([name, value]) => {
    if (name === "name" || name === "shape") return true;
    return JSON.stringify(value) !== JSON.stringify(usual[name as keyof Channel]);
  });
  text = JSON.stringify(Object.fromEntries(said));
  texts.set(channel, text);
  return text;
}

/** A message as a row. What is delayed waits for nobody: it has no order. */
export function rowOf(outgoing: Outgoing, random: Random): NewOutboxRow {
  const { channel, envelope, to, priority, notBefore } = outgoing;
  const { id, subject, type, source, time, contentType, attributes, data } = envelope;
  const key = channel.ordered && notBefore === undefined ? subject : undefined;
  const head: Head = {
    type,
    source,
    time,
    content: contentType,
    subject,
    attributes,
    to,
    priority,
  };
  return {
    id,
    lane: key === undefined ? anyLane(random) : laneOfKey(key),
    key,
    channel: textOf(channel),
    head: JSON.stringify(head),
    data,
    notBefore,
  };
}

/** Rows as messages again. */
export class RowReader {
  /** Channels by their text, so that each is one object: brokers know them by it. Bounded by what the contracts of a system declare. */
  readonly #channels = new Map<string, Channel>();

  /** Throws for a row that cannot be read. */
  outgoingOf(row: Pick<OutboxRow, "id" | "channel" | "head" | "data">): Outgoing {
    const head = JSON.parse(row.head) as Head;
    const { type, source, time, content, subject, attributes, to, priority } = head;
    return {
      channel: this.#channelOf(row.channel),
      envelope: {
        id: row.id,
        type,
        source,
        subject,
        time,
        contentType: content,
        attributes,
        data: row.data,
      },
      to,
      priority,
    };
  }

  #channelOf(text: string): Channel {
    let known = this.#channels.get(text);
    if (known === undefined) {
      known = madeChannel(JSON.parse(text) as Parameters<typeof madeChannel>[0]);
      if (this.#channels.size >= channelsMax) this.#channels.clear();
      this.#channels.set(text, known);
      texts.set(known, text);
    }
    return known;
  }
}

/** More than that is no longer what contracts declare. */
const channelsMax = 10_000;
