import { currentTrace, type Authorize } from "trunkline";
import type { SimEnv, World } from "trunkline/testing";
import { Dice } from "./dice.ts";
import { secret } from "./secret.ts";
import { wait } from "./wait.ts";

/** Says in one life of a server who may, at once or later, and remembers whom it has let in. */
export class Doorkeeper {
  readonly #env: SimEnv;
  readonly #dice: Dice;
  /** The spans of requests that were let in: each request has its own. */
  readonly #letIn = new Set<string>();

  constructor(world: World, env: SimEnv) {
    this.#env = env;
    this.#dice = new Dice(world, `doorkeeper of ${env.name} at ${world.now}`);
  }

  readonly authorize: Authorize = () => {
    const span = currentTrace()!.spanId;
    const answer = this.#dice.weighted([
      [17, true],
      [2, false],
      [1, undefined],
    ] as const);
    if (this.#dice.chance(0.5)) return this.#say(span, answer);
    const thinkMs = this.#dice.between(0, 60);
    return wait(this.#env, thinkMs, undefined).then(() => this.#say(span, answer));
  };

  letIn(span: string): boolean {
    return this.#letIn.has(span);
  }

  #say(span: string, answer: boolean | undefined): boolean {
    if (answer === undefined) throw new Error(secret);
    if (answer) this.#letIn.add(span);
    return answer;
  }
}
