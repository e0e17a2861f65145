import type { Mutant } from "./mutant.ts";

const file = "src/discovery/endpoint-set.ts";
const change = "src/discovery/set-change.ts";

/** Ways to break what is made of a registry's word: the defects of registries and their clients that are known. */
export const discoveryMutants: readonly Mutant[] = [
  {
    name: "RB2-error-believed",
    file,
    find: `if (status === "unavailable") {`,
    replace: `if (status === "unavailable" && this.#entries.size === 0) {`,
    because: "a registry that does not answer takes all endpoints away",
    killedBy: "discovery",
  },
  {
    name: "RB2-absent-gone-at-once",
    file,
    find: "else changes.absent(entry, suspicious, this.#env.now());",
    replace: "else changes.remove(id);",
    because: "endpoints that answer are dropped because a registry forgot them",
    killedBy: "discovery",
  },
  {
    name: "RB3-absent-and-failed-kept",
    file,
    find: "if (!healthy && entry.absentAt !== undefined)",
    replace: "if (healthy && entry.absentAt === -1)",
    because: "endpoints that are gone are called for ever",
    killedBy: "discovery",
  },
  {
    name: "RB3-absent-never-expires",
    file,
    find: "if (first !== Infinity)",
    replace: "if (first === -1)",
    because: "endpoints that are gone stay, when nobody calls them",
    killedBy: "discovery",
  },
  {
    name: "RB4-no-resync",
    file,
    find: "      refresh();\n      this.#resyncLater();",
    replace: "      this.#resyncLater();",
    because: "after one lost notification the set is wrong until the next change",
    killedBy: "discovery",
  },
  {
    name: "RB5-last-good-not-used",
    file,
    find: "if (this.#entries.size === 0) this.#seed(instances);",
    replace: "",
    because: "nothing can be called while the registry is down at a start",
    killedBy: "discovery",
  },
  {
    name: "RB6-mass-expiry-believed",
    file,
    find: "(gone >= shrinkMin && gone > before * shrinkShare)",
    replace: "gone < 0",
    because: "a registry that was cut off from half of its instances takes them away",
    killedBy: "discovery",
  },
  {
    name: "RB10-last-one-expires",
    file,
    find: "if (over.length === useful.length) return;",
    replace: "",
    because: "the last endpoint is given up because time has passed",
    killedBy: "discovery",
  },
  {
    name: "RB12-draining-still-called",
    file: change,
    find: `const state = instance.state === "draining" ? "draining" : "ready";`,
    replace: `const state = "ready";`,
    because: "endpoints that are about to go get new calls",
    killedBy: "discovery",
  },
  {
    name: "RB13-every-change-told",
    file: change,
    find: "if (member.state === state && sameInstance(member.instance, instance)) return;",
    replace: "",
    because: "whoever watches is woken though nothing has changed",
    killedBy: "discovery",
  },
  {
    name: "RB13-no-debounce",
    file,
    find: `else if (!this.#alarms.has("debounce"))`,
    replace: `else if (snapshot.revision !== -1) this.#settle();
    else if (!this.#alarms.has("debounce"))`,
    because: "a start of a hundred instances is a hundred changes",
    killedBy: "discovery",
  },
  {
    name: "old-life-blamed-on-new",
    file: change,
    find: "if (entry.member.instance.bootId !== instance.bootId) entry.healthy = undefined;",
    replace: "",
    because: "an instance that was started anew is thought to be as ill as before",
    killedBy: "discovery",
  },
];
