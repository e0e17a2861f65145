import type { Store } from "../../../src/store/store.ts";
import type { Transaction } from "../../../src/store/transaction.ts";
import { around } from "./around.ts";
import type { Act, Stepper } from "./stepper.ts";

/** A store that tells at which step a message is. Transactions in which something was marked are a handler's, all others a writer's. */
export function steppedStore(store: Store, stepper: Stepper): Store {
  const handling = new WeakSet<Transaction>();
  const roleOf = (tx: Transaction): "handler" | "writer" =>
    handling.has(tx) ? "handler" : "writer";
  const told = (act: Act | undefined, inner: () => unknown): unknown =>
    act === undefined ? inner() : stepper.around(act, inner as () => Promise<unknown>);

  const rows = around(store.outbox, (name, [first], inner) => {
    if (name === "lock" || name === "insert" || name === "append")
      return told(`${roleOf(first as Transaction)} ${name}`, inner);
    return told(name === "read" ? "read" : name === "remove" ? "delete" : undefined, inner);
  });
  // Whoever is to die between lock and insert has to do them one after the other.
  const outbox = new Proxy(rows, {
    get: (of, name): unknown =>
      name === "append" && /lock|insert/.test(stepper.act ?? "")
        ? undefined
        : Reflect.get(of, name),
  });
  const inbox = around(store.inbox, (name, [first], inner) => {
    if (name === "mark") handling.add(first as Transaction);
    return told(name === "mark" ? "mark" : undefined, inner);
  });
  const transaction: Store["transaction"] = async (work) => {
    let act: Act = "writer commit";
    const result = await store.transaction(async (tx) => {
      const worked = await work(tx);
      act = `${roleOf(tx)} commit`;
      // The last of all that is done before it. What is appended would not be committed at once any more.
      if (stepper.act === act) tx.beforeCommit(() => Promise.resolve(stepper.at("before", act)));
      return worked;
    });
    stepper.at("after", act);
    return result;
  };
  const own: Partial<Record<string | symbol, unknown>> = { outbox, inbox, transaction };
  return new Proxy(store, {
    get(of, name): unknown {
      if (Object.hasOwn(own, name)) return own[name];
      const value: unknown = Reflect.get(of, name, of);
      return typeof value === "function" ? (value.bind(of) as unknown) : value;
    },
  });
}
