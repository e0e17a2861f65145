import type { Env } from "../base/env.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { numberOf } from "./caller-pool.ts";

interface Shared {
  readonly pipeline: Pipeline;
  users: number;
}

export interface TakenPipeline {
  readonly pipeline: Pipeline;
  /** Gives it back, once; with its last user it closes. */
  readonly release: () => Promise<void>;
}

/**
 * One pipeline for each service and set of terms: all clients of a process that ask the same service learn from each other, and
 * share one budget for what they repeat.
 */
export class PipelinePool {
  readonly #byEnv = new WeakMap<Env, Map<string, Shared>>();

  take(what: string, terms: object, env: Env, make: () => Pipeline): TakenPipeline {
    let byKey = this.#byEnv.get(env);
    if (byKey === undefined) this.#byEnv.set(env, (byKey = new Map()));
    const key = `${what} ${keyOf(terms)}`;
    let shared = byKey.get(key);
    if (shared === undefined) byKey.set(key, (shared = { pipeline: make(), users: 0 }));
    shared.users++;
    const taken = shared;
    let released: Promise<void> | undefined;
    const give = async (): Promise<void> => {
      taken.users--;
      if (taken.users > 0) return;
      if (byKey.get(key) === taken) byKey.delete(key);
      await taken.pipeline.close();
    };
    return { pipeline: shared.pipeline, release: () => (released ??= give()) };
  }

  /** All that are in use. */
  *list(env: Env): IterableIterator<Pipeline> {
    for (const { pipeline } of this.#byEnv.get(env)?.values() ?? []) yield pipeline;
  }
}

/** Those of this process. */
export const pipelines: PipelinePool = new PipelinePool();

/** Plain data as its text; functions and objects with a class by what they are. */
function keyOf(terms: object): string {
  return JSON.stringify(terms, (_, value: unknown) => {
    if (typeof value === "function") return `f${numberOf(value)}`;
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    const plain = Object.getPrototypeOf(value) === Object.prototype;
    return plain ? value : `o${numberOf(value)}`;
  });
}
