import type { SimEnv } from "trunkline/testing";
import type { Discovery, Instance, Lease } from "../../src/discovery/discovery.ts";
import { restMs, service, type Stage } from "./stage.ts";

/** How long a process waits before it tries again to register, when nobody took it, in milliseconds. */
const againMs = 1_000;

/** A process that registers, through all its lives. */
export class ServiceNode {
  readonly name: string;
  env: SimEnv | undefined;
  /** As it is registered in this life; undefined while it does not run, or is about to go. */
  instance: Instance | undefined;
  readonly #stage: Stage;
  #lives = 0;
  #discovery: Discovery | undefined;
  #lease: Lease | undefined;

  constructor(stage: Stage, index: number) {
    this.#stage = stage;
    this.name = `service${index}`;
  }

  get running(): boolean {
    return this.env?.alive === true;
  }

  get held(): boolean {
    return this.#lease?.held === true;
  }

  start(): void {
    if (this.running) return;
    const env = this.#stage.world.env(this.name);
    this.env = env;
    this.#discovery = this.#stage.discovery(env);
    this.#lease = undefined;
    this.instance = {
      id: this.name,
      bootId: `${this.name}-${++this.#lives}`,
      contracts: [`${service}@1`],
      addresses: [`memory:${this.name}`],
      state: "ready",
    };
    env.in(0, () => void this.#register(env));
  }

  /** Says something else of itself. */
  update(weight: number): void {
    const { env } = this;
    if (env === undefined || !env.alive || this.instance === undefined) return;
    this.instance = { ...this.instance, weight };
    const { instance } = this;
    env.in(0, () => void this.#lease?.update(instance).catch(() => {})); // tried again by itself
  }

  crash(): void {
    if (!this.running) return;
    this.#stage.network.crash(this.env!);
    this.instance = undefined;
  }

  /** Deregisters, and is gone. */
  async stop(): Promise<void> {
    const { env } = this;
    if (env === undefined || !env.alive) return;
    this.instance = undefined;
    await new Promise<void>((resolve) => void env.in(0, resolve));
    await this.#lease?.close();
    await this.#discovery?.close();
    if (!env.alive) return;
    await new Promise<void>((resolve) => void env.in(restMs, resolve));
    const alarms = env.alarms - this.#stage.network.dialling(env);
    if (alarms > 0) this.#stage.complain(`${env.name} has stopped with ${alarms} alarms set`);
    this.#stage.network.crash(env);
  }

  async #register(env: SimEnv): Promise<void> {
    const { ttlMs } = this.#stage.plan;
    while (env.alive && this.instance !== undefined) {
      try {
        const given = this.instance;
        this.#lease = await this.#discovery!.register(given, { ttlMs }, env);
        if (this.instance !== undefined && this.instance !== given)
          await this.#lease.update(this.instance).catch(() => {}); // tried again by itself
        return;
      } catch {
        await new Promise<void>((resolve) => void env.in(againMs, resolve));
      }
    }
  }
}
