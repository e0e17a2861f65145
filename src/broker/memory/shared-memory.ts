import type { BrokerCapabilities, ReplyBox, ReplyTerms } from "../broker.ts";
import type { Envelope } from "../envelope.ts";
import type { SharedBroker } from "../shared-broker.ts";
import { MemoryBroker, memoryCapabilities } from "./memory-broker.ts";
import type { MemoryStore } from "./store.ts";

/** A store for several users. */
export class SharedMemory implements SharedBroker {
  readonly capabilities: BrokerCapabilities;
  readonly #store: MemoryStore;

  constructor(store: MemoryStore) {
    this.#store = store;
    this.capabilities = { ...memoryCapabilities, bytesMax: store.bytesMax };
  }

  open(user: string): MemoryBroker {
    return new MemoryBroker("memory:", this.#store, user);
  }

  async openReplies(
    terms: ReplyTerms,
    heard: (envelope: Envelope) => void,
    address?: string,
  ): Promise<ReplyBox> {
    return this.#store.openReplies(terms, heard, address);
  }
}
