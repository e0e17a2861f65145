import { systemError, type TrunklineError } from "../../base/error.ts";
import { attribute } from "../../broker/attributes.ts";
import type { Broker, ReplyBox } from "../../broker/broker.ts";
import type { Envelope } from "../../broker/envelope.ts";

/** Requests of one process that wait for replies in its transient box, past which further ones are refused. */
const listenersMax = 65_536;

/** Somebody who waits for replies to one request. */
export interface Listener {
  heard(reply: Envelope): void;
  /** Nothing will come any more: its desk was closed. */
  closed(error: TrunklineError): void;
}

/** A transient box and those who listen to it, by the id of their request. What comes when nobody listens any more is counted. */
export class Listening {
  /** Replies that came too late, or a second time. */
  late = 0;
  readonly #broker: Broker;
  readonly #listeners = new Map<string, Listener>();
  #box: Promise<ReplyBox> | undefined;
  #closed = false;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  get size(): number {
    return this.#listeners.size;
  }

  /** Where replies are to be sent; opens the box when it is first needed. Rejects with the broker's error. */
  async address(): Promise<string> {
    if (this.#closed) throw closedDesk("no");
    const opening = (this.#box ??= this.#broker.replies({ name: undefined }, (reply) =>
      this.#heard(reply),
    ));
    try {
      return (await opening).address;
    } catch (error) {
      if (this.#box === opening) this.#box = undefined; // who comes next tries anew
      throw error;
    }
  }

  /** Hears the replies to the request of that id until `unlisten`. @throws TrunklineError RESOURCE_EXHAUSTED, CANCELLED; INVALID_ARGUMENT for an id in use. */
  listen(id: string, listener: Listener): void {
    if (this.#closed) throw closedDesk("no");
    if (this.#listeners.has(id))
      throw systemError("INVALID_ARGUMENT", `the id ${id} is in use by a request that waits`, {
        executed: "no",
        advice: "let each request have an id of its own",
      });
    if (this.#listeners.size >= listenersMax)
      throw systemError("RESOURCE_EXHAUSTED", `${listenersMax} requests wait for replies already`, {
        executed: "no",
      });
    this.#listeners.set(id, listener);
  }

  unlisten(id: string): void {
    this.#listeners.delete(id);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const listeners = [...this.#listeners.values()];
    this.#listeners.clear();
    for (const listener of listeners) listener.closed(closedDesk("maybe"));
    const box = await this.#box?.catch(() => undefined);
    await box?.close();
  }

  #heard(reply: Envelope): void {
    const listener = this.#listeners.get(reply.attributes[attribute.correlationid] ?? "");
    if (listener === undefined) this.late++;
    else listener.heard(reply);
  }
}

/** Why nothing is heard any more. */
export function closedDesk(executed: "no" | "maybe"): TrunklineError {
  return systemError("CANCELLED", "what waits for replies is closed", { executed });
}
