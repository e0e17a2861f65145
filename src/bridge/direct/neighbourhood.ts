import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import { serve, Services } from "../../call/serve.ts";
import type { Authorize } from "../../call/authorization.ts";
import type { Instance, Lease, Snapshot, Watch } from "../../discovery/discovery.ts";
import { drainMs } from "./bounds.ts";
import { Direct } from "./contract.ts";
import type { Ground, Listening } from "./ground.ts";
import { RemoteNeighbour, type Neighbour } from "./neighbour.ts";
import type { Receiver } from "./receiver.ts";
import { placed, readWants, Roster, writeWants, type Wanted } from "./roster.ts";

export interface NeighbourhoodTerms {
  /** This process, as the others know it: unique to its life. */
  readonly instance: string;
  /** Under which they find each other. */
  readonly service: string;
  readonly authorize: Authorize | undefined;
  /** The longest that discovery is waited for, in milliseconds. */
  readonly waitMs: number;
  /** True while something is on its way to a process: its connection stays. */
  readonly needs: (instance: string) => boolean;
  readonly changed: (roster: Roster) => void;
}

/** The processes that take part, as discovery tells; and this one among them, as soon as it has something to hear. */
export class Neighbourhood {
  /** Resolves when discovery has told for the first time, or was waited for long enough. */
  readonly known: Promise<void>;
  readonly #terms: NeighbourhoodTerms;
  readonly #ground: Ground;
  readonly #receiver: Receiver;
  readonly #env: Env;
  readonly #watch: Watch;
  readonly #remote = new Map<string, RemoteNeighbour>();
  readonly #listeners = new Set<() => void>();
  #instances = new Map<string, Instance>();
  /** What is consumed here and known to everybody. */
  #wants: readonly Wanted[] = [];
  /** What is to be, as it was said last. */
  #latest: readonly Wanted[] = [];
  #listening: Promise<Listening> | undefined;
  #addresses: readonly string[] = [];
  #lease: Lease | undefined;
  #announcing: Promise<unknown> = Promise.resolve();

  constructor(terms: NeighbourhoodTerms, ground: Ground, receiver: Receiver, env: Env) {
    this.#terms = terms;
    this.#ground = ground;
    this.#receiver = receiver;
    this.#env = env;
    this.#watch = ground.discovery.watch(terms.service, (snapshot) => this.#told(snapshot), env);
    this.known = this.#until(() => this.#watch.current !== undefined).then(() => {});
  }

  /** True when what is known of the others is what discovery says now. */
  get current(): boolean {
    return this.#watch.current?.status === "ok";
  }

  find(instance: string): Instance | undefined {
    return this.#instances.get(instance);
  }

  /** Looks anew. */
  refresh(): void {
    this.#watch.refresh();
  }

  /** Looks anew, and resolves with true when `there` holds, with false after `withinMs`. */
  look(there: () => boolean, withinMs: number): Promise<boolean> {
    this.#watch.refresh();
    return this.#until(there, withinMs);
  }

  /** The process with this id. Throws UNAVAILABLE, `executed: "no"`, when nobody knows it. */
  neighbour(instance: string): Neighbour {
    if (instance === this.#terms.instance) return this.#receiver;
    const known = this.#remote.get(instance);
    if (known !== undefined) return known;
    const found = this.#instances.get(instance);
    if (found === undefined)
      throw systemError("UNAVAILABLE", `${instance} is gone`, { executed: "no" });
    const made = new RemoteNeighbour(this.#ground.dial(found), this.#env);
    this.#remote.set(instance, made);
    return made;
  }

  /**
   * Tells everybody what is consumed here, and that this process can be asked. Resolves when discovery tells it in turn.
   *
   * @throws TrunklineError UNAVAILABLE when it does not, RESOURCE_EXHAUSTED when it is too much for one process.
   */
  announce(wants: readonly Wanted[]): Promise<void> {
    this.#latest = wants;
    const announced = this.#announcing.then(() => this.#announce(wants));
    this.#announcing = announced.catch(() => {});
    return announced;
  }

  /** What is not consumed here any more is not sent here any more; who has not heard of it yet is told when it tries. */
  withdraw(wants: readonly Wanted[]): Promise<void> {
    this.#latest = this.#wants = wants;
    this.#change();
    const withdrawn = this.#announcing.then(() => this.#lease?.update(this.#self(wants)));
    // What the registry does not take now it takes with the next renewal.
    this.#announcing = withdrawn.catch(() => {});
    return this.#announcing as Promise<void>;
  }

  async close(): Promise<void> {
    await this.#announcing;
    await this.#lease?.close().catch(() => {}); // it forgets us by itself
    await this.#watch.close();
    await (await this.#listening?.catch(() => undefined))?.close(drainMs);
    for (const each of this.#remote.values()) await each.close();
    this.#remote.clear();
  }

  async #announce(wants: readonly Wanted[]): Promise<void> {
    const self = await this.#selfListening(wants);
    if (this.#lease === undefined)
      this.#lease = await this.#ground.discovery.register(self, {}, this.#env);
    else await this.#lease.update(self);
    const { meta } = self;
    const shown = (): boolean => {
      const found = this.#instances.get(self.id);
      return found !== undefined && JSON.stringify(found.meta ?? {}) === JSON.stringify(meta);
    };
    if (!(await this.look(shown, this.#terms.waitMs))) {
      const told = this.#watch.current?.problem ?? "it does not tell of this process";
      throw systemError("UNAVAILABLE", `discovery (${this.#ground.discovery.name}): ${told}`, {
        executed: "maybe",
      });
    }
    // Some of them may have gone while discovery was waited for.
    this.#wants = wants.filter((each) => this.#latest.includes(each));
    this.#change();
  }

  async #selfListening(wants: readonly Wanted[]): Promise<Instance> {
    const { handlers } = this.#receiver;
    const { authorize, instance } = this.#terms;
    const service = { ...serve(Direct, handlers), own: true };
    const serving = { interceptors: [], checkSent: false, authorize };
    const listen = (): Promise<Listening> =>
      this.#ground.listen(new Services([service], serving, this.#env), instance);
    this.#listening ??= listen();
    try {
      this.#addresses = (await this.#listening).addresses;
    } catch (error) {
      this.#listening = undefined;
      throw error;
    }
    return this.#self(wants);
  }

  #self(wants: readonly Wanted[]): Instance {
    const { instance, service } = this.#terms;
    const { hostId } = this.#ground;
    return {
      id: instance,
      bootId: instance,
      contracts: [`${service}@1`],
      addresses: this.#addresses,
      state: "ready",
      meta: writeWants(wants),
      ...(hostId === undefined ? {} : { hostId }),
    };
  }

  #told({ instances }: Snapshot): void {
    this.#instances = new Map(instances.map((each) => [each.id, each]));
    this.#change();
    for (const [id, remote] of this.#remote) {
      if (this.#instances.has(id) || this.#terms.needs(id)) continue;
      this.#remote.delete(id);
      void remote.close();
    }
    for (const listener of [...this.#listeners]) listener();
  }

  #change(): void {
    const own = this.#terms.instance;
    const others = [...this.#instances.values()].filter(
      ({ id, state }) => id !== own && state === "ready",
    );
    const here = this.#wants.map((each) => placed(each, own));
    this.#terms.changed(new Roster([...others.flatMap(readWants), ...here]));
  }

  /** True as soon as it holds; false when it does not within the time. */
  #until(holds: () => boolean, withinMs = this.#terms.waitMs): Promise<boolean> {
    if (holds()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const end = (is: boolean): void => {
        this.#env.clear(alarm);
        this.#listeners.delete(look);
        resolve(is);
      };
      const look = (): void => {
        if (holds()) end(true);
      };
      const alarm = alarmAt(this.#env, this.#env.now() + withinMs, () => end(false));
      this.#listeners.add(look);
    });
  }
}
