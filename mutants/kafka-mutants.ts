import type { Mutant } from "./mutant.ts";

const file = "src/broker/kafka/completion.ts";

/** Ways to break what is remembered of a partition of Kafka. */
export const kafkaMutants: readonly Mutant[] = [
  {
    name: "commit-past-what-runs",
    file,
    find: "const base = open[0]?.[0] ?? this.high;",
    replace: "const base = this.high;",
    because: "a message that is being handled when its consumer dies is lost",
    killedBy: "broker",
  },
  {
    name: "done-above-the-offset-forgotten",
    file,
    find: "last += Math.floor(step / 2);",
    replace: "last += 1;",
    because: "who takes over handles what is done, and takes what is open for done",
    killedBy: "broker",
  },
  {
    name: "attempts-begin-anew",
    file,
    find: "const count = before + 1;",
    replace: "const count = 1;",
    because: "a message that kills its consumer is delivered for ever",
    killedBy: "broker",
  },
  {
    name: "crash-is-no-attempt",
    file,
    find: "(offset < this.#begunBefore ? 1 : 0)",
    replace: "0",
    because: "a delivery that ended in a crash before anything was committed is not counted",
    killedBy: "broker",
  },
  {
    name: "left-out-offsets-wait",
    file,
    find: "if (open >= from && open < to && !seen.has(open)) this.#open.delete(open);",
    replace: "if (open < from) this.#open.delete(open);",
    because: "a compacted message holds the committed offset back for ever",
    killedBy: "broker",
  },
];
