import type { Mutant } from "./mutant.ts";

const rounds = "src/discovery/rounds.ts";
const kubernetes = "src/discovery/kubernetes/kubernetes.ts";
const slices = "src/discovery/kubernetes/slices.ts";

/** Ways to break how registries of others are watched. */
export const registryMutants: readonly Mutant[] = [
  {
    name: "RB14-all-come-back-at-once",
    file: rounds,
    find: "if (this.#failures < 2) return baseMs * env.random();",
    replace: "if (this.#failures < 2) return baseMs;",
    because: "a registry that comes back is asked by everybody in the same instant",
    killedBy: "discovery",
  },
  {
    name: "RB14-spread-does-not-grow",
    file: rounds,
    find: "Math.max(spreadMsMin, spreadMsPerInstance * known)",
    replace: "spreadMsMin + 0 * known",
    because: "thousands come back to a registry within half a second",
    killedBy: "discovery",
  },
  {
    name: "retry-never-slower",
    file: rounds,
    find: "{ baseMs, capMs: retryMsMax }",
    replace: "{ baseMs, capMs: baseMs }",
    because: "a registry that is down is hammered for as long as it is",
    killedBy: "discovery",
  },
  {
    name: "refresh-gives-up-a-question",
    file: rounds,
    find: "      this.#again = true;\n      return;",
    replace: "      this.#again = true;",
    because: "who asks often enough is never answered",
    killedBy: "discovery",
  },
  {
    name: "flapping-index-asks-at-once",
    file: rounds,
    find: "Math.max(roundMsMin - sinceMs, wanted ? 0 : this.#retryMs())",
    replace: "wanted ? 0 : 0 * sinceMs",
    because: "a registry that ends every watch is asked without a pause",
    killedBy: "discovery",
  },
  {
    name: "consul-index-kept",
    file: "src/discovery/consul/consul.ts",
    find: "known = index < known ? 0 : index;",
    replace: "known = Math.max(known, index);",
    because: "after Consul was set up anew nothing is told until its index is where it was",
    killedBy: "discovery",
  },
  {
    name: "kubernetes-gone-is-an-outage",
    file: kubernetes,
    find: "else if (event.object.code === gone) expired = true;",
    replace: "",
    because: "a watch whose version is too old makes the registry unavailable",
    killedBy: "discovery",
  },
  {
    name: "kubernetes-silence-is-waited-out",
    file: kubernetes,
    find: "withinMs: at.silentMs,",
    replace: "withinMs: Infinity,",
    because: "an API server that has vanished is not noticed",
    killedBy: "discovery",
  },
  {
    name: "kubernetes-terminating-is-called",
    file: slices,
    find: `if (terminating === true) return (serving ?? ready ?? true) ? "draining" : undefined;`,
    replace: `if (terminating === true && ready === null) return undefined;`,
    because: "pods that are about to go get new calls",
    killedBy: "discovery",
  },
];
