import { equal, ok, rejects } from "node:assert/strict";
import { test } from "node:test";
import { systemError, type TrunklineError } from "../../base/error.ts";
import { VirtualEnv } from "../../base/virtual-env.ts";
import type { Store } from "../../store/store.ts";
import type { Transaction } from "../../store/transaction.ts";
import type { Outbox } from "../outbox/outbox.ts";
import type { Received } from "../work.ts";
import { Inbox } from "./inbox.ts";
import { isTrouble } from "./trouble.ts";

/** An inbox whose transactions begin, and then fail, or fail to begin, as it is said. */
function inboxWith(failures: (TrunklineError | "begins not")[]): Inbox {
  const store = {
    inbox: { mark: async () => undefined },
    transaction: async (work: (tx: Transaction) => Promise<unknown>) => {
      const failure = failures.shift();
      if (failure === "begins not")
        throw systemError("UNAVAILABLE", "cannot be reached", { executed: "no" });
      const made = await work({} as Transaction);
      if (failure !== undefined) throw failure;
      return made;
    },
  } as unknown as Store;
  return new Inbox({
    store,
    outbox: {} as Outbox,
    consumer: "c",
    keyOf: ({ id }) => id,
    env: new VirtualEnv(),
  });
}

const received = {
  envelope: { id: "a" },
  signal: new AbortController().signal,
} as unknown as Received;
const conflict = systemError("UNAVAILABLE", "in conflict", { executed: "no", gate: "conflict" });

test("trouble says that nothing ran only where the handler has never begun", async () => {
  const trouble = async (failures: (TrunklineError | "begins not")[]): Promise<TrunklineError> => {
    try {
      await inboxWith(failures).process(received, async () => undefined);
    } catch (error) {
      return error as TrunklineError;
    }
    throw new Error("it was processed");
  };
  const never = await trouble(["begins not"]);
  ok(isTrouble(never));
  equal(never.executed, "no");
  // It ran, and was rolled back; then the store was gone.
  equal((await trouble([conflict, "begins not"])).executed, "maybe");
});

test("what a handler throws is its own, even if it says that something was unavailable", async () => {
  const thrown = systemError("UNAVAILABLE", "the bank is closed", { executed: "no" });
  let ran = 0;
  await rejects(
    inboxWith([]).process(received, async () => {
      ran++;
      throw thrown;
    }),
    (error) => error === thrown && !isTrouble(error),
  );
  equal(ran, 1);
});

test("what the store does not take is no fault of a message that is tried again, and is not waited for without end", async () => {
  const refused = systemError("INTERNAL", "the table is full", { executed: "no" });
  const outcome = await inboxWith([refused]).outcome(received, async () => ({ kind: "done" }));
  ok(outcome.kind === "retry" && outcome.blameless !== true);
});
