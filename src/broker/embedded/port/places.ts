import type { Drift, StartAt } from "../../broker.ts";
import type { Channel } from "../../channel.ts";
import type { QueueTerms } from "../terms.ts";
import type { AnyQueue } from "../any-queue.ts";
import type { VirtualHost } from "../virtual-host.ts";
import type { Feeds } from "./feeds.ts";
import {
  aloneOf,
  bindingOf,
  check,
  driftsOf,
  exchangeOf,
  isKept,
  logOf,
  logTermsOf,
  queueOf,
  targetOf,
} from "./layout.ts";

/** Makes what channels need of a virtual host, and finds it. */
export class Places {
  readonly #host: VirtualHost;
  readonly #feeds: Feeds;

  constructor(host: VirtualHost, feeds: Feeds) {
    this.#host = host;
    this.#feeds = feeds;
  }

  /** Makes what is missing, and tells how what is there differs. */
  declare(channel: Channel): Drift[] {
    check(channel);
    if (channel.shape === "queue") return this.#declared(channel, undefined);
    return [
      ...this.#topic(channel),
      ...channel.groups.flatMap((group) => this.#declared(channel, group)),
    ];
  }

  #declared(channel: Channel, group: string | undefined): Drift[] {
    const found = this.#host.queue(targetOf(channel, group));
    if (found !== undefined) return driftsOf(channel, queueOf(channel, group), found.terms);
    this.queue(channel, group, "new");
    return [];
  }

  /** The exchange of a topic, and its log, where it has one. */
  #topic(channel: Channel): Drift[] {
    const drifts: Drift[] = [];
    const { name } = channel;
    const exchange = exchangeOf(channel);
    const found = this.#host.topology.exchange(name);
    if (found === undefined) this.#host.declareExchange(exchange);
    else if (found.type !== exchange.type)
      drifts.push({
        channel: name,
        what: `exchange ${name}: type`,
        declared: exchange.type,
        found: found.type,
      });
    if (!isKept(channel)) return drifts;
    const log = this.#host.queue(logOf(channel));
    if (log !== undefined) return [...drifts, ...driftsOf(channel, logTermsOf(channel), log.terms)];
    this.#make(logTermsOf(channel));
    this.#host.bind(bindingOf(name, logOf(channel)));
    return drifts;
  }

  /** Makes that a topic can be published to. */
  topic(channel: Channel): void {
    if (this.#host.topology.exchange(channel.name) === undefined) this.#topic(channel);
  }

  find(channel: Channel, group: string | undefined): AnyQueue | undefined {
    return this.#host.queue(targetOf(channel, group));
  }

  /** The queue of a group or of a channel; made where it is missing, with what is kept from an instant on. */
  queue(channel: Channel, group: string | undefined, from: StartAt): AnyQueue {
    const found = this.find(channel, group);
    if (found !== undefined) return found;
    const made = this.#make(queueOf(channel, group));
    if (channel.shape === "topic") {
      this.#topic(channel);
      this.bind(channel, made.terms.name, from);
    }
    return made;
  }

  /** The queue of one consumer without a group, which goes with it. */
  alone(channel: Channel, name: string, from: StartAt): void {
    this.#make(aloneOf(channel, name));
    this.#topic(channel);
    this.bind(channel, name, from);
  }

  /** A queue that gets what a topic has from an instant on. */
  bind(channel: Channel, queue: string, from: StartAt): void {
    if (from === "new" || !isKept(channel)) this.#host.bind(bindingOf(channel.name, queue));
    else this.#feeds.begin(channel.name, logOf(channel), queue, from);
  }

  unbind(channel: Channel, queue: string): void {
    this.#feeds.end(queue);
    this.#host.unbind(bindingOf(channel.name, queue));
  }

  #make(terms: QueueTerms): AnyQueue {
    return this.#host.declareQueue(terms);
  }
}
