import type { Mutant } from "./mutant.ts";

/** Ways to break how messages are consumed; most of them are noticed only when something else fails at the same time. */
export const consumerMutants: readonly Mutant[] = [
  {
    name: "begins-what-is-given-up",
    file: "src/messaging/shards.ts",
    find: "if (this.#ended || this.#given.has(shard)) return;",
    replace: "if (this.#ended) return;",
    because:
      "what arrives of a shard that is being given up overtakes what was forgotten before it",
    killedBy: "messaging",
  },
  {
    name: "ack-before-handle",
    file: "src/messaging/consumer.ts",
    find: `if (channel.guarantee === "at-most-once") {
      try {`,
    replace: `if (channel.name !== "") {
      try {`,
    because: "what a consumer has in hand when it dies is lost",
    killedBy: "sim-messaging",
  },
  {
    name: "ack-on-throw",
    file: "src/messaging/consumer.ts",
    find: 'outcome = { kind: "retry", failure: noteOf(error) };',
    replace: 'outcome = { kind: "done" }; void error;',
    because: "a message whose handler fails is taken for handled",
    killedBy: "messaging",
  },
  {
    name: "dead-letter-dropped",
    file: "src/messaging/consumer.ts",
    find: "else if (pause === undefined) await this.#bury(task, outcome.failure);",
    replace: "else if (pause === undefined) await this.#ack(task);",
    because: "what is given up is kept nowhere",
    killedBy: "sim-messaging",
  },
  {
    name: "retry-overtakes",
    file: "src/messaging/consumer.ts",
    find: `if (task.state !== "held") {
      const next`,
    replace: `if (task.state !== "nobody" as string) {
      const next`,
    because: "the later messages of a key go on while an earlier one waits for its next attempt",
    killedBy: "sim-messaging",
  },
  {
    name: "one-lane-for-nobody",
    file: "src/messaging/key-lanes.ts",
    find: "behind.push(task);\n    return false;",
    replace: "return true;",
    because: "messages of one key are handled side by side",
    killedBy: "sim-messaging",
  },
  {
    name: "lost-shard-goes-on",
    file: "src/messaging/consumer.ts",
    find: "this.#forget((task) => task.delivery.shard === shard && idle(task));",
    replace: "",
    because: "who has lost a shard goes on with what belongs to somebody else",
    killedBy: "sim-messaging",
  },
  {
    name: "revoked-at-once",
    file: "src/messaging/consumer.ts",
    find: "await this.#until(() => ![...this.#tasks].some(own), Infinity);",
    replace: "void own;",
    because: "the next owner begins while the last one is still at it",
    killedBy: "messaging",
  },
  {
    name: "expelled-and-blocked",
    file: "src/messaging/consumer.ts",
    find: "if (task.key !== undefined) await this.#until(() => ![...this.#tasks].some(before), Infinity);",
    replace: "void before;",
    because:
      "a message that was handled is taken for one that follows a dead one, when its ack is lost",
    killedBy: "messaging",
  },
  {
    name: "duplicate-handled",
    file: "src/messaging/recent-ids.ts",
    find: "return this.#ids.has(id);",
    replace: "return false;",
    because: "a second delivery has a second effect",
    killedBy: "messaging",
  },
  {
    name: "ids-remembered-for-ever",
    file: "src/messaging/recent-ids.ts",
    find: "this.#ids.delete(this.#ring[this.#oldest]!);",
    replace: "",
    because: "the memory of a consumer grows without end",
    killedBy: "messaging",
  },
  {
    name: "retries-without-end",
    file: "src/messaging/retry.ts",
    find: "failures > policy.soon + policy.later) return undefined;",
    replace: "failures < 0) return undefined;",
    because: "what can never be handled is tried for ever",
    killedBy: "sim-messaging",
  },
  {
    name: "expired-handled",
    file: "src/messaging/message-text.ts",
    find: "return text !== undefined && Date.parse(text) <= nowWall;",
    replace: 'return text === "" && nowWall < 0;',
    because: "what nobody wants any more is done all the same",
    killedBy: "messaging",
  },
  {
    name: "receipt-out-of-order",
    file: "src/messaging/publisher.ts",
    find: "const outcome = outcomes[index] ?? missing();",
    replace: "const outcome = outcomes[outcomes.length - 1 - index] ?? missing();",
    because: "a message is said to be stored that was refused",
    killedBy: "messaging",
  },
  {
    name: "unsent-is-maybe",
    file: "src/messaging/publisher.ts",
    find: `ring(): void {
    const executed = this.sent ? "maybe" : "no";`,
    replace: `ring(): void {
    const executed = "no";`,
    because: "a message that may be at the broker is said not to be there",
    killedBy: "messaging",
  },
  {
    name: "memory-fence-open",
    file: "src/broker/memory/member.ts",
    find: "if (this.#member.unsettled.has(this)) return;",
    replace: "if (this.attempt > 0) return;",
    because: "a consumer that was paused settles what belongs to somebody else",
    killedBy: "broker",
  },
  {
    name: "memory-released-to-the-end",
    file: "src/broker/memory/entry.ts",
    find: "return a.priority === b.priority ? a.seq < b.seq : a.priority > b.priority;",
    replace: "return a.priority > b.priority;",
    because: "what comes again comes behind the later ones of its key",
    killedBy: "broker",
  },
];
