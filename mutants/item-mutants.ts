import type { Mutant } from "./mutant.ts";

const rsocket = "src/protocol/rsocket";

/** Ways to break the flow of items, and the ways back: whole nodes under faults notice. */
export const itemMutants: readonly Mutant[] = [
  {
    name: "items-out-of-order",
    file: "src/protocol/items/received-items.ts",
    find: "      const given = this.#given(this.#items.shift());",
    replace: `      if (this.#items.size > 2) this.#items.push(this.#items.shift());
      const given = this.#given(this.#items.shift());`,
    because: "a file is put together wrongly",
    killedBy: "sim",
  },
  {
    name: "lost-upload-looks-complete",
    file: `${rsocket}/answering/served-items.ts`,
    find: "    this.#items.clear();\n    this.#items.fail(",
    replace: "    this.#items.end();\n    this.#items.fail(",
    because: "what a caller has sent before it died is taken for all of it",
    killedBy: "sim",
  },
  {
    name: "credit-for-items-ignored",
    file: `${rsocket}/asking/sent-items.ts`,
    find: "    super(0);",
    replace: "    super(64);",
    because: "a caller sends more than its server has room for, and is cut off",
    killedBy: "sim",
  },
  {
    name: "given-up-source-goes-on",
    file: "src/call/client-items.ts",
    find: "    this.#pump?.cancel();",
    replace: "",
    because: "a file stays open for an upload that was given up",
    killedBy: "sim",
  },
  {
    name: "ended-items-returned",
    file: "src/call/pump.ts",
    find: "      this.#cancelled = true; // what has ended is not returned: who cancels later finds nothing to do\n",
    replace: "",
    because: "what gives items is told of an early end after it has given all",
    killedBy: "sim",
  },
  {
    name: "fragments-of-streams-mixed",
    file: "src/wire/reassembly.ts",
    find: "let payload = this.#unfinished.get(streamId);",
    replace:
      "let payload = this.#unfinished.get(streamId) ?? this.#unfinished.values().next().value;",
    because: "one caller reads what was meant for another",
    killedBy: "sim",
  },
  {
    name: "call-back-waits-for-the-dead",
    file: `${rsocket}/session.ts`,
    find: "    this.#loseStreams(told);",
    replace: `    if (this.#options.role === "client") this.#loseStreams(told);`,
    because: "a handler that calls back waits for an answer over a connection that is gone",
    killedBy: "sim",
  },
  {
    name: "source-opened-too-soon",
    file: "src/call/served.ts",
    find: "    if (items !== undefined) context.items = new HandlerItems(items, this.#member, this.#env);",
    replace: `    if (items !== undefined) {
      context.items = new HandlerItems(items, this.#member, this.#env);
      context.items.open();
    }`,
    because: "items are taken from a caller that is refused, or waits for its turn",
    killedBy: "sim",
  },
  {
    name: "head-read-not-at-all",
    file: "src/call/served.ts",
    find: "context.head = valid.value;",
    replace: "context.head = first;",
    because: "defaults and transforms of a head do not reach the handler",
    killedBy: "sim",
  },
  {
    name: "failures-not-counted",
    file: "src/call/meter.ts",
    find: `    if (code !== "OK") this.#failed(code);`,
    replace: "",
    because: "whoever looks at the figures sees that all is well",
    killedBy: "sim",
  },
  {
    name: "cut-stream-looks-complete",
    file: "src/call/served.ts",
    find: "    if (context.cancelled !== undefined) throw cutShort(context.cancelled);\n",
    replace: "",
    because: "a reader takes the items that came in time for all there are",
    killedBy: "client",
  },
  {
    name: "idle-of-an-upload-counted-anew",
    file: `${rsocket}/asking/pending-upload.ts`,
    find: "const next = Math.min(this.attempt.totalAt, this.#idleFrom + this.#idleMs);",
    replace: "const next = Math.min(this.attempt.totalAt, this.home.env.now() + this.#idleMs);",
    because: "a server that does nothing is noticed after up to twice the time that it has",
    killedBy: "protocol",
  },
];
