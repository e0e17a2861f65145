import type { Mutant } from "./mutant.ts";

const records = "src/broker/mmap/records.ts";
const head = "src/broker/mmap/ring-head.ts";
const tail = "src/broker/mmap/ring-tail.ts";

/** Ways to break what those have agreed on who share a ring in a file. */
export const mmapMutants: readonly Mutant[] = [
  {
    name: "record-of-another-file",
    file: records,
    find: "this.#seed = crc32(id);",
    replace: "this.#seed = 0;",
    because: "what a file held that was there before is a message",
    killedBy: "mmap",
  },
  {
    name: "longer-than-written",
    file: records,
    find: "if (taken > (end - position) >>> 0) return;",
    replace: "",
    because: "a record may go beyond the tail, into what is being written",
    killedBy: "mmap",
  },
  {
    name: "handed-out-in-secret",
    file: head,
    find: "this.#records.hand(taken);",
    replace: "",
    because: "a message that kills its consumers is the first time a message each time",
    killedBy: "mmap",
  },
  {
    name: "settled-in-secret",
    file: head,
    find: "else this.#records.settle(taken);",
    replace: "",
    because: "what was acknowledged out of turn is delivered again after a crash",
    killedBy: "mmap",
  },
  {
    name: "ring-overwritten",
    file: tail,
    find: "if (taken > room) break;",
    replace: "if (taken > size) break;",
    because: "a full ring loses what nobody has read",
    killedBy: "mmap",
  },
  {
    name: "reader-sleeps-without-a-last-look",
    file: head,
    find: "if (this.#words.load(RingWord.tail) === this.#next) return true;",
    replace: "return true;",
    because: "a message that came while its reader fell asleep waits half a second",
    killedBy: "mmap",
  },
  {
    name: "rung-once-for-all-sleeps",
    file: tail,
    find: "if ((sleeping & 1) === 0 || sleeping === this.#rung) return false;",
    replace: "if ((sleeping & 1) === 0 || this.#rung !== 0) return false;",
    because: "only the first message after a pause wakes its reader at once",
    killedBy: "mmap",
  },
];
