import { chassis, serve, type Chassis } from "trunkline";
import { Registry } from "trunkline/registry";
import type { SimEnv } from "trunkline/testing";
import type { RegistryDisk } from "../../src/bridge/registry/disk.ts";
import { RegistryServer } from "../../src/bridge/registry/server.ts";
import { restMs, type Stage } from "./stage.ts";

/** A registry through all its lives. */
export class RegistryNode {
  readonly name: string;
  /** The process as it runs now. */
  env: SimEnv | undefined;
  readonly #stage: Stage;
  readonly #place: string;
  #running: { readonly app: Chassis; readonly registry: RegistryServer } | undefined;
  #starting = false;
  #disk: string | undefined;

  constructor(stage: Stage, index: number) {
    this.#stage = stage;
    this.name = `registry${index}`;
    this.#place = `memory:registry-${index}`;
  }

  get running(): boolean {
    return this.#running !== undefined;
  }

  async start(): Promise<void> {
    if (this.#starting || this.running) return;
    this.#starting = true;
    const { world, network, plan } = this.#stage;
    const env = world.env(this.name);
    this.env = env;
    try {
      const disk = plan.disk ? this.#diskOf(env) : undefined;
      const registry = await RegistryServer.start({ disk }, env);
      const app = await chassis({
        ...{ name: this.name, listen: this.#place, signals: false, env, transports: [network] },
        serve: [{ ...serve(Registry, registry.handlers), own: true }],
      });
      this.#running = { app, registry };
      world.trace(`${env.name} knows ${registry.size}`);
    } catch (error) {
      this.#stage.complain(`${this.name} does not start: ${String(error)}`);
    }
    this.#starting = false;
  }

  /** The process dies; what it had written is there, unless its disk is `wiped`. */
  crash(host: boolean, wiped: boolean): void {
    if (this.#running === undefined || this.env === undefined) return;
    this.#stage.network.crash(this.env, host);
    this.#running = undefined;
    if (wiped) this.#disk = undefined;
  }

  /** Stops in order. */
  async stop(): Promise<void> {
    const running = this.#running;
    const { env } = this;
    if (running === undefined || env === undefined) return;
    const { registry, app } = running;
    await Promise.all([registry.close(), app.stop()]);
    await new Promise<void>((resolve) => void env.in(restMs, resolve));
    if (this.#running !== running) return; // it died meanwhile
    if (env.alarms > 0)
      this.#stage.complain(`${env.name} has stopped with ${env.alarms} alarms set`);
    this.#stage.network.crash(env);
    this.#running = undefined;
  }

  /** A disk on which writing takes time; who dies meanwhile has written nothing. */
  #diskOf(env: SimEnv): RegistryDisk {
    return {
      read: () => Promise.resolve(this.#disk),
      write: async (text) => {
        await new Promise<void>((resolve) => void env.in(5, resolve));
        if (!env.alive) return;
        this.#disk = text;
        this.#check(text);
      },
      setAside: () => {
        this.#stage.complain(`${this.name} cannot read what it wrote`);
        return Promise.resolve("aside");
      },
    };
  }

  #check(text: string): void {
    const { leases } = JSON.parse(text) as {
      readonly leases: readonly { readonly lease: string; readonly instance: { id: string } }[];
    };
    const names = new Set(leases.map(({ lease }) => lease));
    const ids = new Set(leases.map(({ instance }) => instance.id));
    if (names.size !== leases.length) this.#stage.complain("two instances have one lease");
    if (ids.size !== leases.length) this.#stage.complain("one instance has two leases");
  }
}
