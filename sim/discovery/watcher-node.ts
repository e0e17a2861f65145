import type { SimEnv } from "trunkline/testing";
import type { Discovery, Snapshot, Watch } from "../../src/discovery/discovery.ts";
import { EndpointSet } from "../../src/discovery/endpoint-set.ts";
import type { ServiceNode } from "./service-node.ts";
import { service, type Stage } from "./stage.ts";

/** How often a caller learns of its endpoints' health, by calling them, in milliseconds. */
const callEveryMs = 250;

/** A process that watches a service and keeps a set of its endpoints, through all its lives. */
export class WatcherNode {
  readonly name: string;
  env: SimEnv | undefined;
  readonly #stage: Stage;
  readonly #services: readonly ServiceNode[];
  #discovery: Discovery | undefined;
  #watch: Watch | undefined;
  #set: EndpointSet | undefined;
  /** Lives that it has had among its endpoints. */
  readonly #seen = new Set<string>();

  constructor(stage: Stage, index: number, services: readonly ServiceNode[]) {
    this.#stage = stage;
    this.#services = services;
    this.name = `watcher${index}`;
  }

  get current(): Snapshot | undefined {
    return this.#watch?.current;
  }

  /** The lives among its endpoints. */
  get members(): string[] {
    return (this.#set?.members ?? []).map(({ instance }) => instance.bootId).toSorted();
  }

  start(): void {
    if (this.env?.alive === true) return;
    const { world } = this.#stage;
    const env = world.env(this.name);
    this.env = env;
    this.#seen.clear();
    env.in(0, () => {
      const discovery = this.#stage.discovery(env);
      this.#discovery = discovery;
      const set = new EndpointSet({ service, refresh: () => watch.refresh() }, env);
      this.#set = set;
      let revision = -1;
      const heard = (snapshot: Snapshot): void => {
        this.#stage.told++;
        world.trace(
          `${env.name} hears ${snapshot.status} ${snapshot.instances.map((i) => i.bootId).join()}`,
        );
        if (snapshot.revision <= revision) this.#stage.complain(`${env.name}: the revision stays`);
        revision = snapshot.revision;
        set.apply(snapshot);
        this.#look();
      };
      const watch = discovery.watch(service, heard, env);
      this.#watch = watch;
      set.onChange(() => this.#look());
      this.#call(env);
    });
  }

  crash(): void {
    if (this.env?.alive === true) this.#stage.network.crash(this.env);
  }

  async close(): Promise<void> {
    const { env } = this;
    if (env === undefined || !env.alive) return;
    this.#set?.close();
    await this.#watch?.close();
    await this.#discovery?.close();
    await new Promise<void>((resolve) => void env.in(callEveryMs, resolve));
    const alarms = env.alarms - this.#stage.network.dialling(env);
    if (alarms > 0) this.#stage.complain(`${env.name} has closed with ${alarms} alarms set`);
    this.#stage.network.crash(env);
  }

  /** What a call to each endpoint would tell. */
  #call(env: SimEnv): void {
    env.in(callEveryMs, () => {
      const set = this.#set!;
      for (const { instance } of set.members) {
        const there = this.#services.find(({ name }) => name === instance.id);
        set.health(instance.id, there?.instance?.bootId === instance.bootId);
      }
      this.#look();
      this.#call(env);
    });
  }

  /** Never without an endpoint while one that it has known lives. */
  #look(): void {
    const members = this.members;
    for (const each of members) this.#seen.add(each);
    if (members.length > 0) return;
    for (const { instance, name } of this.#services)
      if (instance !== undefined && this.#seen.has(instance.bootId))
        this.#stage.complain(`${this.env?.name} has no endpoint although ${name} lives`);
  }
}
