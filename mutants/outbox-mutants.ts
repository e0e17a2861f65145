import type { Mutant } from "./mutant.ts";

const folder = "src/messaging/outbox";

/** Ways to break outbox and relay, most of them as those of others were broken. */
export const outboxMutants: readonly Mutant[] = [
  {
    name: "serial-cursor",
    file: `${folder}/relay.ts`,
    find: "rows = await outbox.read(shares, this.#standing.current, this.#parts.terms.batch);",
    replace: `const self = this as { last?: number };
          rows = (await outbox.read(shares, this.#standing.current, 1_000_000)).filter(({ seq }) => seq > (self.last ?? 0));
          self.last = Math.max(self.last ?? 0, ...rows.map(({ seq }) => seq));`,
    because:
      "a row whose transaction was committed after that of a higher number is never published",
    killedBy: "sim-outbox",
  },
  {
    name: "time-cursor",
    file: `${folder}/relay.ts`,
    find: "rows = await outbox.read(shares, this.#standing.current, this.#parts.terms.batch);",
    replace: `const self = this as { since?: number };
          rows = (await outbox.read(shares, this.#standing.current, 1_000_000)).filter(({ writtenAt }) => writtenAt > (self.since ?? -1));
          self.since = Math.max(self.since ?? 0, ...rows.map(({ writtenAt }) => writtenAt));`,
    because:
      "a row of a transaction that was long open is never published (timestamps, transaction ids)",
    killedBy: "sim-outbox",
  },
  {
    name: "removed-unconfirmed",
    file: `${folder}/pass.ts`,
    find: 'if (outcome.kind === "confirmed") return void confirmed.push(row);',
    replace: 'if (outcome.kind !== "refused") return void confirmed.push(row);',
    because: "what perhaps never reached the broker counts as delivered",
    killedBy: "sim-outbox",
  },
  {
    name: "no-lane-lock",
    file: `${folder}/outbox.ts`,
    find: "if (ascending.length > 0) await table.lock(tx, ascending);",
    replace: "void ascending;",
    because: "numbers are drawn in another order than transactions are committed in",
    killedBy: "sim-outbox",
  },
  {
    name: "lock-after-insert",
    file: `${folder}/outbox.ts`,
    find: "if (ascending.length > 0) await table.lock(tx, ascending);\n    await table.insert(tx, counted ? await this.#counted(tx, outgoing, rows) : rows);",
    replace:
      "await table.insert(tx, rows);\n    if (ascending.length > 0) await table.lock(tx, ascending);",
    because: "the number is drawn before it is one's turn",
    killedBy: "sim-outbox",
  },
  {
    name: "written-after-the-commit",
    file: `${folder}/outbox.ts`,
    find: `tx.beforeCommit(async () => {
      this.#waiting.delete(tx);
      await this.#write(tx, mine);
    });`,
    replace: `tx.afterCommit(() => {
      this.#waiting.delete(tx);
      void this.store.transaction((other) => this.#write(other, mine)).catch(() => {});
    });`,
    because: "a process that ends between two transactions has done its work and told nobody",
    killedBy: "sim-outbox",
  },
  {
    name: "lane-read-twice",
    file: `${folder}/tracks.ts`,
    find: "return busy === undefined && dueAt <= now;",
    replace: "return dueAt <= now || busy === undefined;",
    because: "two batches of one lane are under way at once",
    killedBy: "messaging",
  },
  {
    name: "parked-unknown",
    file: `${folder}/leases.ts`,
    find: "await prepare(leases.map(({ share }) => share));",
    replace: "void prepare;",
    because: "after a change of relays later messages of a dead one's key are published",
    killedBy: "sim-outbox",
  },
  {
    name: "look-forgets-other-lanes",
    file: `${folder}/pass.ts`,
    find: "if (shares.includes(share) && !since.has(place)) this.#parked.delete(place);",
    replace: "void share, this.#parked.delete(place);",
    because: "a key of another lane is published behind its dead one, from the next look on",
    killedBy: "messaging",
  },
  {
    name: "park-skips",
    file: `${folder}/pass.ts`,
    find: "if (parks) this.#park(lane, key);",
    replace: "void parks;",
    because: "later messages of a dead one's key are published before it",
    killedBy: "sim-outbox",
  },
  {
    name: "lane-goes-on-behind-refused",
    file: `${folder}/pass.ts`,
    find: "sendable.unsendable.push({ row, error, hopeless: !known });\n        if (isOrdered(lane)) stopped.add(lane);",
    replace: "sendable.unsendable.push({ row, error, hopeless: !known });",
    because:
      "what is behind a refused message is published before it is decided what becomes of that",
    killedBy: "sim-outbox",
  },
  {
    name: "lane-stands-for-ever",
    file: `${folder}/standing-lanes.ts`,
    find: "dueAt: this.#env.now() + pauseMs",
    replace: "dueAt: this.#env.now() + pauseMs * 1e9",
    because: "one refused message stops its lane for good",
    killedBy: "sim-outbox",
  },
  {
    name: "lane-given-away-under-way",
    file: `${folder}/relay.ts`,
    find: "(share) => this.#tracks.holds(share),",
    replace: "() => false,",
    because: "another relay publishes from a lane of which a batch is under way",
    killedBy: "messaging",
  },
  {
    name: "relay-keeps-dead-lease",
    file: `${folder}/leases.ts`,
    find: "return this.#env.now() < this.#trustedUntil;",
    replace: "return this.#trustedUntil > 0;",
    because: "a relay that stood still publishes from lanes that others have by now",
    killedBy: "messaging",
  },
  {
    name: "mark-without-effect",
    file: "src/messaging/inbox/inbox.ts",
    find: "const known = await store.inbox.mark(transaction, key);",
    replace: "const known = await store.transaction((other) => store.inbox.mark(other, key));",
    because: "a message whose handler did not come to its end counts as processed",
    killedBy: "sim-outbox",
  },
  {
    name: "window-too-short",
    file: "src/messaging/inbox/retention.ts",
    find: "this.#store.inbox.purge(this.#olderThanMs, batchRows)",
    replace: "this.#store.inbox.purge(this.#olderThanMs / 100_000, batchRows)",
    because: "what comes again after its mark was purged has its effect twice",
    killedBy: "sim-outbox",
  },
  {
    name: "commit-not-looked-at",
    file: "src/messaging/inbox/inbox.ts",
    find: "if (known !== undefined) return { known };",
    replace: "void known;",
    because: "what was processed is processed again",
    killedBy: "sim-outbox",
  },
];
