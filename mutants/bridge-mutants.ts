import type { Mutant } from "./mutant.ts";

const board = "src/bridge/registry/board.ts";
const client = "src/bridge/registry/client.ts";
const exchange = "src/bridge/evidence/exchange-board.ts";

/** Ways to break the registry, those who keep leases in it, and what callers tell each other beside it. */
export const bridgeMutants: readonly Mutant[] = [
  {
    name: "RB2-restart-empties-the-world",
    file: client,
    find: "if (complete) this.#missing.clear();",
    replace: "this.#missing.clear();",
    because: "a registry that was started anew takes away all who have not come back yet",
    killedBy: "bridge",
  },
  {
    name: "RB6-silence-of-all-believed",
    file: board,
    find: "(this.#silent(entry) ? entry.ttlMs : 0)",
    replace: "0",
    because: "a registry that is cut off for a while forgets everybody",
    killedBy: "bridge",
  },
  {
    name: "RB14-watchers-come-back-at-once",
    file: client,
    find: "? this.#spreadMs * random()",
    replace: "? 0 * random()",
    because: "a registry that comes back is run down by those who watch",
    killedBy: "bridge",
  },
  {
    name: "RB16-standstill-ends-leases",
    file: board,
    find: "this.#clock += stall > stallMs ? gap - stall : gap;",
    replace: "this.#clock += gap;",
    because: "a registry that stood still forgets all whose renewals wait in its sockets",
    killedBy: "bridge",
  },
  {
    name: "RB16-ghost-takes-its-id-back",
    file: board,
    find: `if (before.bornAt > bornAt) return "displaced";`,
    replace: `if (before.bornAt === Infinity) return "displaced";`,
    because: "a process that slept through its lease displaces the one that came after it",
    killedBy: "bridge",
  },
  {
    name: "old-life-read-back-displaces-new",
    file: board,
    find: `if (before.bornAt > bornAt) return "displaced";`,
    replace: `return "displaced";`,
    because: "an instance is not found because its dead life stands in an old snapshot",
    killedBy: "bridge",
  },
  {
    name: "change-lost-beside-a-renewal",
    file: "src/discovery/keep-lease.ts",
    find: "this.#known && !this.#changed && !this.#expired()",
    replace: "this.#known && !this.#expired()",
    because: "an instance that says that it drains goes on being called",
    killedBy: "bridge",
  },
  {
    name: "snapshot-not-written-at-the-end",
    file: "src/bridge/registry/server.ts",
    find: "    this.#env.clear(this.#persist);\n    await this.#write();",
    replace: "    this.#env.clear(this.#persist);",
    because: "what was registered last is not known after a restart in order",
    killedBy: "bridge",
  },
  {
    name: "watch-dies-with-its-handler",
    file: client,
    find: "detached(() => this.#run())",
    replace: "this.#run()",
    because: "what the first handler finds is lost when it has answered",
    killedBy: "bridge",
  },
  {
    name: "one-host-is-a-quorum",
    file: "src/bridge/evidence/verdicts.ts",
    find: "leftMs.set(opinion.host, ",
    replace: "leftMs.set(`${opinion.host} ${leftMs.size}`, ",
    because: "a fault of one host shuts an endpoint for all",
    killedBy: "bridge",
  },
  {
    name: "all-look-at-once",
    file: exchange,
    find: "if (entry.probe !== undefined && now < entry.probe.until && entry.probe.by !== by) return 0;",
    replace: "",
    because: "an endpoint that recovers is met by everybody",
    killedBy: "bridge",
  },
  {
    name: "answer-frees-only-who-looked",
    file: exchange,
    find: "if (probed) this.#drop(key, entry);",
    replace: "if (probed) this.#forget(key, entry, by);",
    because: "an endpoint that answers again stays shut for the others",
    killedBy: "bridge",
  },
  {
    name: "shut-without-the-others",
    file: "src/bridge/evidence/client.ts",
    find: "      this.#heard([]);\n",
    replace: "",
    because: "a registry that dies leaves endpoints shut",
    killedBy: "bridge",
  },
];
