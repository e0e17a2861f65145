import type { KeyRows, Store } from "trunkline/store";

/** Where a payment is. `effect` is the handler's own statement; `commit` is of the transaction that the effect is made in. */
export type Act = "claim" | "effect" | "keep" | "commit";

/** Ends this process without a word, when a payment comes for the first time before or after an act. */
export function dyingStore(
  store: Store,
  step: string,
): { store: Store; at: (step: string) => void } {
  const at = (now: string): void => {
    if (now === step) process.kill(process.pid, "SIGKILL");
  };
  const around = async <T>(act: Act, work: () => Promise<T>): Promise<T> => {
    at(`before ${act}`);
    const result = await work();
    at(`after ${act}`);
    return result;
  };
  const rows = store.keys;
  const keys: KeyRows = {
    alive: (owner, leaseMs) => rows.alive(owner, leaseMs),
    // What the store itself has a key for is not a payment.
    claim: (key, input, owner) =>
      key.length < 20
        ? rows.claim(key, input, owner)
        : around("claim", () => rows.claim(key, input, owner)),
    claimIn: (tx, key, input) => around("claim", () => rows.claimIn(tx, key, input)),
    keep: (key, ending, bytes, tx) => around("keep", () => rows.keep(key, ending, bytes, tx)),
    forget: (key) => rows.forget(key),
    purge: (olderThanMs, limit) => rows.purge(olderThanMs, limit),
  };
  const transaction: Store["transaction"] = async (work) => {
    const result = await store.transaction(async (tx) => {
      const worked = await work(tx);
      tx.beforeCommit(() => Promise.resolve(at("before commit")));
      return worked;
    });
    at("after commit");
    return result;
  };
  const own: Readonly<Record<string | symbol, unknown>> = { keys, transaction };
  const dying = new Proxy(store, {
    get(of, name): unknown {
      if (Object.hasOwn(own, name)) return own[name];
      const value: unknown = Reflect.get(of, name, of);
      return typeof value === "function" ? (value.bind(of) as unknown) : value;
    },
  });
  return { store: dying, at };
}
