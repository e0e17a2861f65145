import type { Env } from "../../../base/env.ts";
import type { BrokerCapabilities, ReplyBox, ReplyTerms } from "../../broker.ts";
import type { Envelope } from "../../envelope.ts";
import type { SharedBroker } from "../../shared-broker.ts";
import { hostDefault, type Node } from "../node.ts";
import type { RecentlyPublished } from "../recently-published.ts";
import type { VirtualHost } from "../virtual-host.ts";
import { EmbeddedBroker, type BrokerParts } from "./embedded-broker.ts";
import type { EmbeddedConsumer } from "./consumer.ts";
import { Feeds } from "./feeds.ts";
import { Places } from "./places.ts";
import { ReplyBoxes } from "./reply-boxes.ts";
import { Room } from "./room.ts";
import { Safety } from "./safety.ts";
import { Turns } from "./turns.ts";

/** What it promises, in whichever process its user is. */
export const embeddedCapabilities: BrokerCapabilities = {
  order: "key",
  guarantees: ["at-most-once", "at-least-once", "exactly-once"],
  receipts: ["accepted", "stored"],
  persistent: true,
  attempts: "durable",
  delay: true,
  priority: true,
  ttl: true,
  keeps: true,
  groups: true,
  replay: true,
  filters: ["type", "subject", "attributes"],
  transactions: true,
  mandatory: true,
  replies: "durable",
  browse: true,
  lag: true,
  compaction: true,
  bytesMax: 16 * 1024 * 1024,
};

export interface EmbeddedTerms {
  /** Where it is, for people: `file:./data`. */
  readonly address: string;
  /** The virtual host whose queues these are. Default `/`. */
  readonly host?: string;
  /** How long publishing waits while the disk is full or does not keep up, in milliseconds. Default 8,000; then RESOURCE_EXHAUSTED, `executed: "no"`. */
  readonly blockedMs?: number | undefined;
  /** The largest message in bytes, attributes included. Default 16 MiB. */
  readonly bytesMax?: number;
}

/** Sooner than the ten seconds after which a publisher gives up by default: he is told why. */
const blockedMsDefault = 8_000;

/** The queues and logs of a virtual host, for all in this process who use them by the port of brokers. There is one for each host. */
export class SharedEmbedded implements SharedBroker, BrokerParts {
  readonly capabilities: BrokerCapabilities;
  readonly address: string;
  readonly bytesMax: number;
  readonly env: Env;
  readonly host: VirtualHost;
  readonly recent: RecentlyPublished;
  readonly blockedMs: number;
  readonly room: Room;
  readonly safety: Safety;
  readonly feeds: Feeds;
  readonly places: Places;
  readonly boxes: ReplyBoxes;
  readonly turns: Turns<EmbeddedConsumer> = new Turns();

  constructor(node: Node, { address, host = hostDefault, blockedMs, bytesMax }: EmbeddedTerms) {
    this.address = address;
    this.bytesMax = bytesMax ?? embeddedCapabilities.bytesMax;
    this.capabilities = { ...embeddedCapabilities, bytesMax: this.bytesMax };
    this.env = node.env;
    this.host = node.host(host);
    this.recent = node.recent;
    this.blockedMs = blockedMs ?? blockedMsDefault;
    this.room = new Room(node);
    this.safety = new Safety(node.storage, address);
    this.feeds = new Feeds(this.host, node.storage, this.room, this.env);
    this.places = new Places(this.host, this.feeds);
    this.boxes = new ReplyBoxes(this.host, this.safety, this.env, address);
    this.feeds.restore();
  }

  open(user: string): EmbeddedBroker {
    return new EmbeddedBroker(this, user);
  }

  async openReplies(
    terms: ReplyTerms,
    heard: (envelope: Envelope) => void,
    address?: string,
  ): Promise<ReplyBox> {
    return this.boxes.open(terms, heard, "", address);
  }

  /** Sets nothing off any more. Those who have opened it close what they have opened. */
  close(): void {
    this.feeds.close();
    this.room.close();
  }
}
