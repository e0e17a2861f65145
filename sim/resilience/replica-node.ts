import { chassis, serve, type Chassis, type Context } from "trunkline";
import type { SimEnv } from "trunkline/testing";
import { wait } from "../wait.ts";
import { Desk } from "./contract.ts";
import type { Stage } from "./stage.ts";

/** A process that serves, through all its lives. */
export class ReplicaNode {
  readonly name: string;
  env: SimEnv | undefined;
  /** How many times longer than usual its work takes. */
  slowness = 1;
  /** Its handlers fail, all of them. */
  failing = false;
  readonly #stage: Stage;
  #app: Chassis | undefined;
  #bootId: string | undefined;
  #stopping: Promise<void> | undefined;

  constructor(stage: Stage, index: number) {
    this.#stage = stage;
    this.name = `replica${index}`;
  }

  get running(): boolean {
    return this.env?.alive === true && this.#stopping === undefined;
  }

  start(): void {
    if (this.env?.alive === true) return;
    const env = this.#stage.world.env(this.name);
    this.env = env;
    this.#stopping = undefined;
    env.in(0, () => void this.#serve(env));
  }

  async #serve(env: SimEnv): Promise<void> {
    const { network, plan, discovery } = this.#stage;
    const address = `memory:${this.name}`;
    const app = await chassis({
      name: this.name,
      listen: address,
      signals: false,
      env,
      transports: [network],
      stop: { drain: "2s" },
      ...(plan.admission ? {} : { admission: false as const }),
      serve: [
        serve(Desk, {
          read: (input, context) => this.#work(env, input, context),
          keyed: (input, context) => this.#work(env, input, context),
          act: (input, context) => this.#work(env, input, context),
        }),
      ],
    });
    this.#app = app;
    this.#bootId = app.instance;
    discovery.set({
      id: this.name,
      bootId: app.instance,
      contracts: ["desk@1"],
      addresses: [address],
      state: "ready",
    });
  }

  async #work(
    env: SimEnv,
    { id }: { readonly id: string },
    { signal, deadline }: Pick<Context, "signal" | "deadline">,
  ): Promise<string> {
    const { ledger, dice, plan } = this.#stage;
    ledger.executed(id);
    if (env.now() > deadline.at)
      this.#stage.complain(`${this.name} began ${id} ${env.now() - deadline.at} ms too late`);
    if (this.failing) throw new Error("it fails");
    const workMs = Math.min(dice.exponential(plan.workMs), 3 * plan.workMs);
    await wait(env, workMs * this.slowness, signal);
    return this.name;
  }

  crash(host: boolean): void {
    if (this.env?.alive !== true) return;
    this.#stage.network.crash(this.env, host);
    const bootId = this.#bootId;
    // The registry hears of it later, or never while the host is gone: then of the next life.
    if (bootId !== undefined && !host)
      this.#stage.world.in(2_000, () => this.#stage.discovery.remove(this.name, bootId));
  }

  /** Drains, ends, and comes again. */
  roll(): void {
    const { env } = this;
    const app = this.#app;
    if (env === undefined || !this.running || app === undefined) return;
    this.#stopping = this.#leave(env, app);
  }

  async #leave(env: SimEnv, app: Chassis): Promise<void> {
    await new Promise<void>((resolve) => void env.in(0, resolve));
    this.#stage.discovery.remove(this.name, app.instance);
    await app.stop();
    if (env.alive) this.#stage.network.crash(env);
  }

  async stop(): Promise<void> {
    this.roll();
    await this.#stopping;
  }
}
