import { alarmAt } from "../base/alarm.ts";
import type { Env } from "../base/env.ts";
import { systemError, type SystemError } from "../base/error.ts";
import type { Random } from "../base/random.ts";
import type { Address } from "../transport/address.ts";
import { frameBytesLimit } from "../transport/outgoing-bounds.ts";
import type {
  Connection,
  DialOptions,
  Listener,
  ListenOptions,
  Transport,
  TransportCapabilities,
} from "../transport/transport.ts";
import { SimConnection, type EndHost, type FrameObserver } from "./sim-connection.ts";
import { SimEnv, type World } from "./sim-env.ts";
import { SimLink, type Latency } from "./sim-link.ts";

/** Open connections of one listener past which new ones are closed at once; as for sockets. */
const connectionsMaxDefault = 10_000;

/** How long a dial waits before it knocks again where nothing comes back, in milliseconds. */
const knockAgainMs = 200;

interface Listening {
  readonly env: SimEnv;
  readonly options: ListenOptions;
  readonly accept: (connection: Connection) => void;
  connections: number;
}

/** What goes wrong with everything that is dialled. */
export interface DialFaults {
  /** The share of dials that are refused although somebody listens. */
  refused: number;
  /** How much longer a dial takes, on average. */
  delayMs: number;
}

/**
 * The network between the nodes of a world, a transport for addresses `memory:name`. Without faults it is a good one:
 * frames arrive at once, in order. Its faults are those of a stream transport: nothing is lost while a connection lives,
 * but it can be slow, cut, silent, or split.
 */
export class SimNetwork implements Transport, EndHost {
  readonly name: string = "memory";
  readonly capabilities: TransportCapabilities;
  readonly world: World;
  readonly dialFaults: DialFaults = { refused: 0, delayMs: 0 };
  observer: FrameObserver | undefined;
  #latency: Latency = { minMs: 0, meanMs: 0 };
  readonly #random: Random;
  readonly #links = new Map<string, SimLink>();
  readonly #listening = new Map<string, Listening>();
  /** The node at each place, also when nobody listens there any more. */
  readonly #homes = new Map<string, string>();
  /** Ends that are open, each with the one it is joined to. */
  readonly #ends = new Map<SimConnection, SimConnection>();
  readonly #readRates = new Map<string, number>();
  readonly #unreachable = new Set<string>();
  readonly #dialling = new WeakMap<SimEnv, number>();
  #connections = 0;

  /** Where frames are smaller than usual (16 MiB), what is larger travels in fragments. */
  constructor(world: World, frameBytesMax: number = frameBytesLimit) {
    this.world = world;
    this.capabilities = {
      ordered: true,
      reliable: true,
      frameBytesMax,
      crossProcess: true,
      crossHost: false,
      noticesDeath: true,
    };
    this.#random = world.random("network");
  }

  /** Open ends of connections. */
  get ends(): readonly SimConnection[] {
    return [...this.#ends.keys()];
  }

  /** Dials of a node that have not come to an end. */
  dialling(env: SimEnv): number {
    return this.#dialling.get(env) ?? 0;
  }

  /** Places where somebody listens. */
  get listeners(): readonly string[] {
    return [...this.#listening].filter(([, { env }]) => env.alive).map(([place]) => place);
  }

  // ---- faults -------------------------------------------------------------------------------------------------------

  /** How long everything takes from now on. */
  set latency(latency: Latency) {
    this.#latency = latency;
    for (const link of this.#links.values()) link.latency = latency;
  }

  /** What `from` sends to `to` waits until `mend` or `heal`; for a whole partition call it both ways. */
  sever(from: string, to: string): void {
    this.#link(from, to).sever();
  }

  /** What was severed from `from` to `to` arrives now. */
  mend(from: string, to: string): void {
    this.#link(from, to).heal();
  }

  /** All links work again, nodes read as fast as they can, dials succeed. Silent connections stay silent. */
  heal(): void {
    for (const link of this.#links.values()) link.heal();
    this.#readRates.clear();
    this.#unreachable.clear();
    this.dialFaults.refused = 0;
    this.dialFaults.delayMs = 0;
  }

  /** A node reads so many bytes a millisecond from now on. */
  slow(node: string, bytesPerMs: number): void {
    this.#readRates.set(node, bytesPerMs);
  }

  /** A connection is cut: what is under way is lost, and both ends learn of it. */
  cut(end: SimConnection): void {
    const other = this.#ends.get(end);
    for (const each of other === undefined ? [end] : [end, other]) {
      each.silence();
      const link = this.#link(each.env.node, (each === end ? (other ?? end) : end).env.node);
      each.env.in(link.delayMs(), () => each.lose("the connection was cut"));
    }
  }

  /** From now on nothing arrives that this end sends, and nobody is told. */
  silence(end: SimConnection): void {
    end.silence();
  }

  /**
   * The process of a node dies: nothing of it happens any more, its connections are closed by the system. With `host` the
   * whole machine dies: nobody tells its peers, and who dials it waits in vain until it listens anew, or `heal`.
   */
  crash(env: SimEnv, host: boolean = false): void {
    env.kill();
    if (host) this.#unreachable.add(env.node);
    for (const [end, other] of [...this.#ends]) {
      if (end.env !== env) continue;
      if (host) {
        end.silence();
        other.silence();
      } else {
        end.die();
      }
      this.#ends.delete(end);
    }
  }

  // ---- Transport ----------------------------------------------------------------------------------------------------

  async dial(address: Address, options: DialOptions, env: Env): Promise<Connection> {
    const from = simulated(env);
    if (env.now() >= options.until) throw notInTime(address);
    return new Promise((resolve, reject) => {
      let settled = false;
      this.#dialling.set(from, this.dialling(from) + 1);
      const settle = (act: () => void): void => {
        settled = true;
        this.#dialling.set(from, this.dialling(from) - 1);
        env.clear(patience);
        act();
      };
      const patience = alarmAt(env, options.until, () => settle(() => reject(notInTime(address))));
      const fail = (error: SystemError): void => {
        from.in(this.#latency.minMs, () => settled || settle(() => reject(error)));
      };
      const knock = (delayMs: number): void => {
        this.world.in(delayMs, () => {
          if (settled || !from.alive) return;
          const there = this.#link(from.node, this.#homes.get(address.place) ?? "");
          const back = this.#link(this.#homes.get(address.place) ?? "", from.node);
          if (!there.open || !back.open || this.#down(address.place)) {
            knock(knockAgainMs);
            return;
          }
          const met = this.#meet(address, options, from);
          if (met instanceof Error) return fail(met);
          from.in(back.delayMs(), () => {
            if (settled) met.destroy("the dial was given up");
            else settle(() => resolve(met));
          });
        });
      };
      knock(
        this.#link(from.node, this.#homes.get(address.place) ?? "").delayMs() + this.#dialDelayMs(),
      );
    });
  }

  async listen(
    address: Address,
    accept: (connection: Connection) => void,
    options: ListenOptions,
    env: Env,
  ): Promise<Listener> {
    const { place } = address;
    const listening: Listening = { env: simulated(env), options, accept, connections: 0 };
    await turn(env);
    if (this.#listening.get(place)?.env.alive === true) {
      throw unavailable("the name is in use", address);
    }
    this.#listening.set(place, listening);
    this.#homes.set(place, listening.env.node);
    this.#unreachable.delete(listening.env.node);
    return {
      address,
      close: async () => {
        if (this.#listening.get(place) === listening) this.#listening.delete(place);
        await turn(env);
      },
    };
  }

  // ---- EndHost ------------------------------------------------------------------------------------------------------

  readRate(env: SimEnv): number {
    return this.#readRates.get(env.node) ?? Infinity;
  }

  overtakes(): boolean {
    return this.#latency.meanMs > 0 && this.#random() < 0.5;
  }

  // ---- joining ------------------------------------------------------------------------------------------------------

  /** Joins two ends, when somebody listens at the address. */
  #meet(address: Address, options: DialOptions, from: SimEnv): SimConnection | SystemError {
    const listening = this.#listening.get(address.place);
    if (listening === undefined || !listening.env.alive) {
      return unavailable("nobody listens under this name", address);
    }
    if (this.#random() < this.dialFaults.refused) return unavailable("refused", address);
    const to = listening.env;
    const id = this.#connections++;
    const { text } = address;
    const closed = (end: SimConnection): void => {
      if (this.#ends.delete(end) && end === far) listening.connections--;
    };
    const near = new SimConnection(id, true, text, options, from, this, closed);
    const far = new SimConnection(id, false, text, listening.options, to, this, closed);
    near.join(far, this.#link(from.node, to.node).pipe(to));
    far.join(near, this.#link(to.node, from.node).pipe(from));
    this.#ends.set(near, far);
    this.#ends.set(far, near);
    if (++listening.connections > (listening.options.connectionsMax ?? connectionsMaxDefault)) {
      far.destroy("too many connections");
    } else {
      to.in(0, () => listening.accept(far));
    }
    return near;
  }

  #link(from: string, to: string): SimLink {
    const name = `${from} → ${to}`;
    let link = this.#links.get(name);
    if (link === undefined) {
      link = new SimLink(this.#latency, this.world.random(name));
      this.#links.set(name, link);
    }
    return link;
  }

  #down(place: string): boolean {
    return this.#unreachable.has(this.#homes.get(place) ?? "");
  }

  #dialDelayMs(): number {
    const { delayMs } = this.dialFaults;
    return delayMs === 0 ? 0 : -delayMs * Math.log(1 - this.#random());
  }
}

function simulated(env: Env): SimEnv {
  if (env instanceof SimEnv) return env;
  throw new TypeError("the simulated network joins nodes of a World: give it a SimEnv");
}

function unavailable(reason: string, address: Address): SystemError {
  return systemError("UNAVAILABLE", reason, { executed: "no", endpoint: address.text });
}

function notInTime(address: Address): SystemError {
  return unavailable("not connected in time", address);
}

function turn(env: Env): Promise<void> {
  return new Promise((resolve) => env.yield(resolve));
}
