import type { Env } from "../../base/env.ts";
import { shareAt, shareOf } from "../policy/split.ts";
import type { HttpTarget } from "./http-target.ts";

/** The targets of one route, and the choice among them. */
export class HttpUpstream {
  readonly targets: readonly HttpTarget[];
  readonly #even: boolean;
  readonly #env: Env;

  constructor(targets: readonly HttpTarget[], env: Env) {
    this.targets = targets;
    this.#env = env;
    this.#even = targets.every(({ weight }) => weight === targets[0]!.weight);
  }

  /**
   * Who gets the request: by its key where it has one, in proportion to the weights where they differ, else the less busy of two.
   * Those that fail are left out, unless nobody else is left. Undefined when all were tried, or have enough to do.
   */
  pick(key: string | undefined, tried: readonly HttpTarget[]): HttpTarget | undefined {
    const { targets } = this;
    const [only] = targets;
    if (targets.length === 1) return tried.length === 0 && !only!.full ? only : undefined;
    const left = targets.filter(
      (target) => target.weight > 0 && !target.full && !tried.includes(target),
    );
    const well = left.filter(({ available }) => available);
    const among = well.length > 0 ? well : left;
    if (key !== undefined) return shareOf(among, key);
    if (!this.#even) return shareAt(among, this.#env.random());
    const one = this.#any(among);
    const other = this.#any(among);
    return one !== undefined && one.inFlight <= other!.inFlight ? one : other;
  }

  #any(among: readonly HttpTarget[]): HttpTarget | undefined {
    return among[Math.floor(this.#env.random() * among.length)];
  }
}
