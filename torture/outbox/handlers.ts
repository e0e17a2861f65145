import { on } from "trunkline";
import type { Store } from "trunkline/store";
import { group, Torture, type Told } from "./contract.ts";
import { ask } from "./own-sql.ts";
import { followerOf } from "./verdict.ts";

/** Of the attempts, so many fail after their effect was written. */
const failing = 0.02;

/** Whoever dies counts as a failure of what he was at, after which pauses would be minutes. */
const retry = { later: 1_000, base: "50ms", cap: "500ms" } as const;

/** What the consumers do: each message has one effect, and some are followed by another message. `at` is told where a handler is. */
export function handlersOf(
  store: Store,
  at: (when: "before" | "after", what: "handler" | "effect") => void = () => {},
): ReturnType<typeof on>[] {
  const terms = { group, store, from: "first", retry } as const;
  const effect = async (tx: unknown, kind: string, { id }: Told): Promise<void> => {
    at("before", "handler");
    at("before", "effect");
    const sql = "insert into torture_effect (kind, id) values (?, ?)";
    await ask(store.dialect, tx, sql, [kind, id]);
    at("after", "effect");
    if (Math.random() < failing) throw new Error("it was not to be");
  };
  return [
    on(Torture.placed, terms, async (told, { tx, publish }) => {
      await effect(tx, "placed", told);
      const id = followerOf(told.id);
      if (told.follow) await publish(Torture.followed, { ...told, id }, { id });
      at("after", "handler");
    }),
    on(Torture.followed, terms, (told, { tx }) => effect(tx, "followed", told)),
    on(Torture.noted, terms, (told, { tx }) => effect(tx, "noted", told)),
  ];
}
