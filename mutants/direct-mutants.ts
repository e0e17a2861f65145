import type { Mutant } from "./mutant.ts";

const inbox = "src/bridge/direct/inbox.ts";
const route = "src/bridge/direct/shard-route.ts";

/** Ways to break messages without a broker. */
export const directMutants: readonly Mutant[] = [
  {
    name: "DB1-new-owner-at-once",
    file: route,
    find: "while (this.#left && this.#held.size > 0",
    replace: "while (this.#left && this.#held.size < 0",
    because: "a key's next message is handled beside the one before, by another process",
    killedBy: "bridge",
  },
  {
    name: "DB2-lost-connection-is-death",
    file: route,
    find: "now - silence.since >= goneMs && (refused",
    replace: "now >= silence.since && (refused",
    because: "who has lost its connection and works on is overtaken by its successor",
    killedBy: "testing",
  },
  {
    name: "DB3-leaves-before-its-successor-has-done",
    file: "src/bridge/direct/direct.ts",
    find: "await this.#handingOn.drained(this.#env.now() + leaveMs);",
    replace: "await this.#handingOn.drained(0);",
    because: "what was handed on is overtaken by what was published later",
    killedBy: "testing",
  },
  {
    name: "DB4-in-doubt-is-sent-again",
    file: "src/bridge/direct/link.ts",
    find: 'if (error.executed === "no" && unreachable)',
    replace: "if (unreachable)",
    because: "a message whose receipt was lost is handled twice",
    killedBy: "bridge",
  },
  {
    name: "DB5-released-to-the-end",
    file: inbox,
    find: "at < 0 ? this.#waiting.length : at",
    replace: "this.#waiting.length",
    because: "a message that is tried again is overtaken by later ones of its key",
    killedBy: "bridge",
  },
  {
    name: "DB6-no-back-pressure",
    file: inbox,
    find: "this.#waiting.length < this.#terms.roomMax",
    replace: "this.#waiting.length < Infinity",
    because: "a slow consumer's memory grows without a bound",
    killedBy: "bridge",
  },
];
