import type { Storage } from "../src/broker/embedded/storage.ts";

/** A disk that is full because somebody says so: `rabbitmqctl eval 'rabbit_alarm:set_alarm(…)'`. */
export class Alarms {
  readonly #set = new Set<string>();
  readonly #listeners: (() => void)[] = [];

  set(name: string, on: boolean): void {
    if (on) this.#set.add(name);
    else this.#set.delete(name);
    for (const listener of this.#listeners) listener();
  }

  /** The same storage, which has no room while an alarm is set. */
  over(storage: Storage): Storage {
    return new Proxy(storage, {
      get: (target, name) => {
        if (name === "roomy") return this.#set.size === 0 && target.roomy;
        if (name === "onRoom")
          return (listener: () => void): void => {
            this.#listeners.push(listener);
            target.onRoom(listener);
          };
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    });
  }
}
