import { chassis, client, close, serve, type Chassis, type Peer } from "trunkline";
import type { SimEnv } from "trunkline/testing";
import { Work } from "./contract.ts";
import { Dice } from "./dice.ts";
import { Doorkeeper } from "./doorkeeper.ts";
import { Draws } from "./draws.ts";
import { WorkHandlers } from "./handlers.ts";
import type { Life } from "./life.ts";
import { tickMs } from "./plan.ts";
import type { Stage } from "./stage.ts";
import { Transfers } from "./transfers.ts";
import { wait } from "./wait.ts";

/** So many peers are remembered, to be called back later. */
const peersMax = 8;

/** A node that serves, through all its lives. */
export class ServerNode {
  readonly index: number;
  readonly name: string;
  readonly address: string;
  readonly #stage: Stage;
  life: (Life & { readonly chassis: Chassis; readonly peers: readonly object[] }) | undefined;
  #beginning = false;
  #env: SimEnv | undefined;

  constructor(stage: Stage, index: number) {
    this.#stage = stage;
    this.index = index;
    this.name = `s${index}`;
    this.address = stage.addresses[index]!;
  }

  /** The process as it runs now, also when it is only just starting. */
  get env(): SimEnv | undefined {
    return this.#env;
  }

  /** Begins a new life. Nothing happens when one is under way. */
  async start(): Promise<void> {
    if (this.#beginning || this.life !== undefined) return;
    this.#beginning = true;
    const { world, network, plan, ledger } = this.#stage;
    const env = world.env(this.name);
    this.#env = env;
    const options = this.#stage.clientOptions(env);
    const peers = this.#stage.addresses.map((address) => client(Work, address, options));
    const door = plan.habits.has("doorkeepers") ? new Doorkeeper(world, env) : undefined;
    const dice = new Dice(world, `server ${env.name}`);
    const draws = new Draws(plan, dice);
    const met: Peer[] = [];
    const life: Life = {
      ...{ env, stoppingAt: Infinity, door, draws, dials: false },
      transfers: new Transfers(this.#stage),
      peer: (server) => peers[server]!,
      meet: (peer) => {
        if (met.includes(peer)) return;
        if (met.push(peer) > peersMax) met.shift();
      },
    };
    if (plan.habits.has("callbacks")) this.#callBackLater(life, dice, met, 0);
    try {
      const started = await chassis({
        name: this.name,
        listen: this.address,
        serve: [serve(Work, new WorkHandlers(this.#stage, life))],
        stop: { drain: plan.drainMs },
        signals: false,
        inFlightMax: plan.inFlightMax,
        itemBytesMax: plan.itemBytesMax,
        checkSent: true,
        ...(door === undefined ? {} : { authorize: door.authorize }),
        env,
        transports: [network],
      });
      this.life = Object.assign(life, { chassis: started, peers });
    } catch (error) {
      ledger.complain(`${this.name} does not start: ${String(error)}`);
    }
    this.#beginning = false;
  }

  /** Calls whoever has come, now and then, also those who have gone. */
  #callBackLater(life: Life, dice: Dice, met: readonly Peer[], asked: number): void {
    const { env, draws, transfers } = life;
    const stage = this.#stage;
    env.in(dice.exponential(4 * stage.plan.workEveryMs), () => {
      if (stage.resting || life.stoppingAt < Infinity) return;
      this.#callBackLater(life, dice, met, asked + 1);
      if (met.length === 0) return;
      const way = stage.wayBack(dice.pick(met), env);
      const id = `${env.name}.${asked}`;
      const asking = { deadlineMs: draws.deadlineMs() };
      const sends = stage.plan.habits.has("transfers") && dice.chance(0.4);
      const work = sends
        ? transfers.send(way, draws.transfer(id), asking)
        : stage.perform(way, draws.job(id), asking);
      work.catch(() => {}); // it is in the ledger
    });
  }

  /** Those who read give up. */
  leaveAll(): void {
    for (const leave of [...(this.life?.transfers.leave ?? [])]) leave();
  }

  /** The process dies. */
  crash(host: boolean): void {
    if (this.life === undefined) return;
    this.#stage.network.crash(this.life.env, host);
    this.life = undefined;
  }

  /** Stops in order, within its budgets; then the process is gone. */
  async stop(): Promise<void> {
    const { life } = this;
    if (life === undefined || life.stoppingAt < Infinity) return;
    const { ledger, network, plan, world } = this.#stage;
    const { env } = life;
    const began = world.now;
    life.stoppingAt = began;
    world.trace(`${env.name} stops`);
    const { cut } = await life.chassis.stop();
    const late = world.now - ledger.latest(env, began + plan.drainMs + tickMs);
    if (late > 0.01) ledger.complain(`${env.name} stopped ${late} ms later than it may`);
    if (cut > 0 && world.now < began + plan.drainMs)
      ledger.complain(`${env.name} cut ${cut} requests before their time was over`);
    const whole = world.now >= began + plan.drainMs;
    if (whole) this.#stage.cut++;
    // Its clients had all the time they need to go.
    const idleMs = world.now - Math.max(began, ledger.busyUntil(env)) - 3 * this.#stage.wayMs;
    if (whole && cut === 0 && idleMs > 1_000 && this.#stage.onlyRestarts)
      ledger.complain(`${env.name} waited its whole time although nothing was under way`);
    world.trace(`${env.name} has stopped, ${cut} cut`);
    await Promise.all(life.peers.map((peer) => close(peer)));
    await wait(env, 1, undefined);
    // A dial that is under way cannot be called off; it has an alarm of its own.
    const alarms = env.alarms - network.dialling(env);
    if (ledger.running(env) === 0 && alarms > 0)
      ledger.complain(`${env.name} has stopped with ${alarms} alarms set`);
    network.crash(env);
    this.life = undefined;
  }
}
