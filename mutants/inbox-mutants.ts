import type { Mutant } from "./mutant.ts";

const folder = "src/messaging/inbox";

/** Ways to break the inbox, most of them as those of others were broken. */
export const inboxMutants: readonly Mutant[] = [
  {
    name: "mark-after-handler",
    file: `${folder}/inbox.ts`,
    find: `          const known = await store.inbox.mark(transaction, key);
          if (known !== undefined) return { known };
          await succession?.note(transaction, this.consumer, message);
          begun = true;
          try {
            return { value: await handle({ store, transaction }) };`,
    replace: `          begun = true;
          try {
            const value = await handle({ store, transaction });
            await succession?.note(transaction, this.consumer, message);
            const known = await store.inbox.mark(transaction, key);
            return known === undefined ? { value } : { known };`,
    because: "what comes again is handled again, and only then found to be known",
    killedBy: "inbox",
  },
  {
    name: "mark-in-its-own-transaction",
    file: `${folder}/inbox.ts`,
    find: `        return await store.transaction(async (transaction): Promise<Processing<T>> => {
          const known = await store.inbox.mark(transaction, key);
          if (known !== undefined) return { known };`,
    replace: `        const before = await store.transaction((own) => store.inbox.mark(own, key));
        if (before !== undefined) return { known: before };
        return await store.transaction(async (transaction): Promise<Processing<T>> => {`,
    because:
      "a handler that fails, or a crash between the two, leaves a mark without effects: the message is lost",
    killedBy: "inbox",
  },
  {
    name: "effects-without-mark",
    file: `${folder}/inbox.ts`,
    find: "if (known !== undefined) return { known };",
    replace: "void known;",
    because: "a message that comes again takes effect again",
    killedBy: "inbox",
  },
  {
    name: "ack-before-commit",
    file: `${folder}/inbox.ts`,
    find: `          try {
            return { value: await handle({ store, transaction }) };`,
    replace: `          try {
            const value = await handle({ store, transaction });
            await message.delivery.ack();
            return { value };`,
    because: "what is acknowledged and then not committed is lost",
    killedBy: "inbox",
  },
  {
    name: "verdict-commits",
    file: `${folder}/inbox.ts`,
    find: 'if (outcome.kind !== "done") throw new RolledBack(outcome);',
    replace: "",
    because: "a message that is to come again is marked as processed, and never does",
    killedBy: "inbox",
  },
  {
    name: "conflict-is-a-failure",
    file: `${folder}/inbox.ts`,
    find: "if (!again || tries > againMax || message.signal.aborted) throw troubleOf(error, begun);",
    replace: "if (again || error !== undefined) throw troubleOf(error, begun);",
    because: "handlers pay attempts for the deadlocks of others",
    killedBy: "inbox",
  },
  {
    name: "conflicts-without-end",
    file: `${folder}/inbox.ts`,
    find: "if (!again || tries > againMax || message.signal.aborted) throw troubleOf(error, begun);",
    replace: "if (!again || tries > 10_000) throw troubleOf(error, begun);",
    because: "a handler that locks in the wrong order runs for ever",
    killedBy: "inbox",
  },
  {
    name: "store-away-is-a-failure",
    file: `${folder}/trouble.ts`,
    find: 'return { kind: "retry", afterMs, blameless: true, failure };',
    replace: 'return { kind: "retry", failure };',
    because: "an hour without the database makes dead letters of all messages",
    killedBy: "inbox",
  },
  {
    name: "published-beside-the-transaction",
    file: "src/messaging/message-work.ts",
    find: `        within === undefined
          ? parts.publisherOf(contract!, outputs)`,
    replace: `        within === undefined || contract !== undefined
          ? parts.publisherOf(contract!, outputs)`,
    because:
      "what a handler publishes is published although it is rolled back, and once for each delivery",
    killedBy: "inbox",
  },
  {
    name: "no-stored-reply",
    file: "src/messaging/replies/kept-replies.ts",
    find: "await store.inbox.answer(transaction, this.#inbox.keyOf(envelope), storedReply(reply));",
    replace: "void [store, transaction, storedReply];",
    because: "who repeats a command learns that it was done, and not what came of it",
    killedBy: "inbox",
  },
  {
    name: "declared-error-not-kept",
    file: "src/messaging/replies/command-serving.ts",
    find: "if (this.#kept === undefined)",
    replace: "if (this.#kept !== null)",
    because: "a repetition of a command that was refused is done",
    killedBy: "inbox",
  },
  {
    name: "command-known-by-code",
    file: "src/chassis/inboxes.ts",
    find: "const keyOf = byKey ? commandKeyOf : messageKeyOf;",
    replace: "const keyOf = byKey ? messageKeyOf : messageKeyOf; void commandKeyOf;",
    because: "a command with an idempotency key is done again when it comes as another message",
    killedBy: "inbox",
  },
  {
    name: "groups-share-marks",
    file: "src/chassis/inboxes.ts",
    find: 'return terms.consumer ?? (typeof terms.group === "string" ? `${terms.group} ${own}` : own);',
    replace: "return terms.consumer ?? own;",
    because: "what one group has processed no other one ever sees",
    killedBy: "inbox",
  },
  {
    name: "poison-counted-inside",
    file: `${folder}/attempts.ts`,
    find: "if (open < suspiciousFrom) return this.#run(key, message, work);",
    replace: `if (open < suspiciousFrom) {
          await this.#end(key, false);
          return this.#run(key, message, work);
        }`,
    because:
      "an attempt that ends the process leaves no trace, and the message ends the next one too",
    killedBy: "inbox",
  },
  {
    name: "poison-in-company",
    file: `${folder}/attempts.ts`,
    find: "if (open < suspiciousFrom) return this.#run(key, message, work);",
    replace: "if (open <= crashesMax) return this.#run(key, message, work);",
    because: "messages that were beside a deadly one are given up with it",
    killedBy: "inbox",
  },
  {
    name: "turn-counted-as-attempt",
    file: `${folder}/attempts.ts`,
    find: `        await this.#end(key, false);
        return undefined;`,
    replace: "        return undefined;",
    because: "messages that wait for their turn are given up for what another one does meanwhile",
    killedBy: "inbox",
  },
  {
    name: "solitude-together",
    file: `${folder}/solitude.ts`,
    find: "return !this.#alone && (!alone || this.#together === 0);",
    replace: "return !this.#alone && (!alone || this.#together >= 0);",
    because: "a message under suspicion runs beside others, and takes them with it",
    killedBy: "inbox",
  },
  {
    name: "owed-ends-forgotten",
    file: `${folder}/attempts.ts`,
    find: "if (this.#owed.delete(key.message)) await this.#end(key, false);",
    replace: "this.#owed.delete(key.message);",
    because: "a database that was away for a moment makes dead letters of what ends no process",
    killedBy: "inbox",
  },
  {
    name: "dead-attempts-kept",
    file: `${folder}/attempts.ts`,
    find: 'const known = ending !== "handled" ||',
    replace: 'const known = ending === "handled" &&',
    because: "a redriven message is given up at once, although what it broke at was mended",
    killedBy: "inbox",
  },
  {
    name: "retention-ignored",
    file: "src/chassis/inboxes.ts",
    find: "if (horizonMs <= retentionMs) return [];",
    replace: "if (horizonMs >= 0) return [];",
    because: "messages that come after their mark was taken out are handled again",
    killedBy: "inbox",
  },
  {
    name: "never-purged",
    file: "src/chassis/stores.ts",
    find: "      purge.start();\n",
    replace: "",
    because: "the inbox grows for ever",
    killedBy: "inbox",
  },
  {
    name: "purged-in-one-go",
    file: `${folder}/retention.ts`,
    find: "if (rows < batchRows) return;",
    replace: "if (rows < 0) return;",
    because: "a look at old marks goes on when there are none",
    killedBy: "inbox",
  },
  {
    name: "id-of-any-source",
    file: `${folder}/message-key.ts`,
    find: "return uuid.test(id) ? id : short(`${id} ${source}`);",
    replace: "return uuid.test(id) ? id : short(`${id}`);",
    because: "messages of two sources with the same id are taken for one, and the second is lost",
    killedBy: "inbox",
  },
  {
    name: "order-told-before-commit",
    file: `${folder}/succession.ts`,
    find: `    transaction.afterCommit(() => {
      if (found`,
    replace: `    queueMicrotask(() => {
      if (found`,
    because: "a gap is told as often as its message is tried",
    killedBy: "inbox",
  },
  {
    name: "sequence-stands",
    file: "src/messaging/outbox/outbox.ts",
    find: "next.set(sequence, number + 1);",
    replace: "",
    because: "messages of one transaction have one number, and look like one that came twice",
    killedBy: "inbox",
  },
  {
    name: "alone-for-ever",
    file: `${folder}/solitude.ts`,
    find: `    signal.addEventListener("abort", leave, { once: true });
    try {`,
    replace: "    try {",
    because: "a handler that does not end keeps all others of its database from beginning",
    killedBy: "inbox",
  },
  {
    name: "rolled-back-never-ran",
    file: `${folder}/inbox.ts`,
    find: "          begun = true;\n",
    replace: "",
    because: "a command whose handler ran, with effects elsewhere, is said not to have run",
    killedBy: "inbox",
  },
  {
    name: "older-version-outside",
    file: "src/call/serve-older.ts",
    find: "const terms = by.terms?.store === undefined ? said : { store: by.terms.store, ...said };",
    replace: "const terms = said;",
    because:
      "a command of an older version runs without a transaction, and its handler finds no tx",
    killedBy: "inbox",
  },
];
