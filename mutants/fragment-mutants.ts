import type { Mutant } from "./mutant.ts";

const rsocket = "src/protocol/rsocket";

/** Ways to break how large payloads travel. */
export const fragmentMutants: readonly Mutant[] = [
  {
    name: "no-turns-by-fragment",
    file: `${rsocket}/frames/fragment-queue.ts`,
    find: "else this.#room.when(unsent.turn);",
    replace: "else this.#advance(unsent);",
    because: "an item of many megabytes holds up every small call",
    killedBy: "protocol",
  },
  {
    name: "unsent-says-maybe",
    file: `${rsocket}/asking/request.ts`,
    find: `return this.session === undefined || this.unsent ? "no" : "maybe";`,
    replace: `return this.session === undefined ? "no" : "maybe";`,
    because: "a safe repetition is not made",
    killedBy: "protocol",
  },
  {
    name: "departed-says-no",
    file: `${rsocket}/asking/request.ts`,
    find: `  protected departed(): void {
    this.unsent = false;`,
    replace: "  protected departed(): void {",
    because: "what perhaps ran is done again by who trusts the answer",
    killedBy: "protocol",
  },
  {
    name: "key-order-lost-in-fragments",
    file: `${rsocket}/frames/frame-sender.ts`,
    find: "if (ordered) this.#queue.addOrdered(request);",
    replace: "if (ordered && request.left < 0) this.#queue.addOrdered(request);",
    because: "a small call overtakes a large one of the same key",
    killedBy: "protocol",
  },
  {
    name: "end-before-the-last-fragment",
    file: `${rsocket}/frames/frame-sender.ts`,
    find: "if (this.#queue.size > 0 && this.#behind(streamId, () => this.complete(streamId))) return;",
    replace: "",
    because: "streams lose their last item when it is large",
    killedBy: "protocol",
  },
  {
    name: "answer-released-unsent",
    file: `${rsocket}/answering/served-call.ts`,
    find: "if (unsent.has(this.streamId)) {",
    replace: "if (unsent.has(this.streamId) && unsent.size < 0) {",
    because: "large answers never come to their end",
    killedBy: "protocol",
  },
  {
    name: "dropped-request-goes-on",
    file: `${rsocket}/session.ts`,
    find: `  forget(streamId: number): void {
    this.unsent.drop(streamId);`,
    replace: "  forget(streamId: number): void {",
    because: "what was given up is sent to its end all the same",
    killedBy: "sim",
  },
  {
    name: "item-without-bound",
    file: "src/wire/reassembly.ts",
    find: "if (payload.dataBytes + dataBytes > dataBytesMax)",
    replace: "if (payload.dataBytes + dataBytes > dataBytesMax * 1_000)",
    because: "a peer fills the memory with one payload",
    killedBy: "protocol",
  },
  {
    name: "unfinished-without-bound",
    file: "src/wire/reassembly.ts",
    find: "if (this.#held + cost > heldBytesMax)",
    replace: "if (this.#held + cost > heldBytesMax * 1_000)",
    because: "a peer fills the memory with payloads that it never ends",
    killedBy: "protocol",
  },
  {
    name: "unfinished-not-in-flight",
    file: `${rsocket}/answering/responder.ts`,
    find: "const underWay = this.inFlight + this.session.incoming.requests;",
    replace: "const underWay = this.inFlight;",
    because: "a flood of first fragments is bounded by nothing but memory",
    killedBy: "protocol",
  },
  {
    name: "cancelled-fragments-kept",
    file: "src/wire/reassembly.ts",
    find: `    this.#unfinished.delete(streamId);
    this.#held -= payload.held;`,
    replace: "    if (payload.held < 0) this.#unfinished.delete(streamId);",
    because: "what was cancelled in the middle is held until the connection ends",
    killedBy: "protocol",
  },
  {
    name: "time-from-the-last-fragment",
    file: `${rsocket}/answering/responder.ts`,
    find: "const now = arrivedAt ?? this.session.env.now();",
    replace: "void arrivedAt;\n    const now = this.session.env.now();",
    because: "a handler works on for a caller that has given up",
    killedBy: "protocol",
  },
  {
    name: "late-fragments-begun",
    file: `${rsocket}/answering/responder.ts`,
    find: "const whole = fragmented ? this.session.env.now() : incoming.receivedAt;",
    replace: "const whole = incoming.receivedAt;",
    because: "work begins that nobody waits for any more",
    killedBy: "sim",
  },
  {
    name: "held-off-for-ever",
    file: `${rsocket}/frames/room.ts`,
    find: "    if (this.#asker.outstanding > 0) return false;\n",
    replace: "",
    because: "two ends that ask each other for much stop reading for good",
    killedBy: "protocol",
  },
];
