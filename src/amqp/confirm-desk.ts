import type { Env } from "../base/env.ts";
import type { Storage } from "../broker/embedded/storage.ts";
import type { Channel } from "./channel.ts";

/** Tells channels that what they have published is safe, when it is. */
export class ConfirmDesk {
  readonly #storage: Storage;
  readonly #env: Env;
  readonly #waiting = new Set<Channel>();
  readonly #tell: () => void;
  #scheduled = false;

  constructor(storage: Storage, env: Env) {
    this.#storage = storage;
    this.#env = env;
    this.#tell = () => {
      this.#scheduled = false;
      this.#tellAll();
    };
    storage.onSafe(() => this.#tellAll());
  }

  /** A channel has published. What is safe already is told at the end of the turn, all at once. */
  confirming(channel: Channel): void {
    this.#waiting.add(channel);
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#env.defer(this.#tell);
  }

  #tellAll(): void {
    const { safe } = this.#storage;
    for (const channel of this.#waiting) {
      const { confirms } = channel.publishing;
      if (confirms === undefined || channel.closing) this.#waiting.delete(channel);
      else {
        confirms.tell(safe);
        if (confirms.waiting === 0) this.#waiting.delete(channel);
      }
    }
  }
}
