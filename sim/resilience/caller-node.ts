import { client, close, isTrunklineError, stateOf, type Client, type Interceptor } from "trunkline";
import type { SimEnv } from "trunkline/testing";
import { Dice } from "../dice.ts";
import { Desk } from "./contract.ts";
import type { Stage } from "./stage.ts";

/** Alarms ring up to one tick after they are due, and an answer may be read in the same turn: two ticks, in milliseconds. */
const lateMsMax = 8;

/** As the pipeline's defaults have it: free retries a second, for how long they are saved up, and what a success pays for. */
const budget = { perSecond: 10, seconds: 10, ratio: 0.2 };

/** Between two calls when the act is over: breakers still want to be tried, in milliseconds. */
const restEveryMs = 200;

type Kind = "read" | "keyed" | "act";

/** A process that calls, with a client as everybody has it. */
export class CallerNode {
  readonly name: string;
  readonly env: SimEnv;
  readonly #stage: Stage;
  readonly #dice: Dice;
  readonly #desk: Client<typeof Desk> & AsyncDisposable;
  #calls = 0;
  #open = 0;
  #answered = 0;
  #tries = 0;
  #unseen = 0;
  /** It has been paused: what it does then is late by as much. */
  pausedAt = -Infinity;
  asking = true;
  /** The last calls, true for those that were answered. */
  readonly recent: boolean[] = [];

  constructor(stage: Stage, index: number) {
    this.#stage = stage;
    this.name = `caller${index}`;
    this.env = stage.world.env(this.name);
    this.#dice = new Dice(stage.world, this.name);
    const { plan, network, discovery } = stage;
    this.#desk = client(Desk, "service:desk", {
      env: this.env,
      discovery,
      transports: [network],
      aroundAttempt: [this.#watching],
      ...(plan.attemptTimeoutMs === undefined ? {} : { attemptTimeout: plan.attemptTimeoutMs }),
      ...(plan.hedge ? { operations: { read: { hedge: { delay: "p95" as const } } } } : {}),
    });
  }

  start(): void {
    this.env.in(0, () => this.#next());
  }

  #next(): void {
    if (!this.asking) return;
    const { world, plan } = this.#stage;
    const everyMs = world.now < plan.actMs ? plan.everyMs : Math.max(restEveryMs, plan.everyMs);
    this.env.in(this.#dice.exponential(everyMs), () => {
      void this.#call();
      this.#next();
    });
  }

  async #call(): Promise<void> {
    if (!this.asking) return;
    const { ledger, plan, world } = this.#stage;
    const kind = this.#dice.pick<Kind>(["read", "keyed", "act"]);
    const id = `${this.name}#${++this.#calls}.${kind}`;
    const deadlineAt = this.env.now() + plan.deadlineMs;
    ledger.begin(id, kind, deadlineAt);
    this.#open++;
    try {
      await this.#desk[kind]({ id }, { deadline: plan.deadlineMs });
      ledger.tell(id, "ok");
      this.#answered++;
      this.#remember(true);
    } catch (failure) {
      this.#remember(false);
      if (!isTrunklineError(failure)) {
        this.#stage.complain(`${id} failed with ${String(failure)}`);
        ledger.tell(id, "maybe");
      } else {
        world.trace(`${id} ${failure.code} ${failure.executed}`);
        ledger.tell(id, failure.executed);
      }
    } finally {
      this.#open--;
      const lateMs = this.env.now() - deadlineAt;
      const paused = world.now - this.pausedAt < plan.deadlineMs * 2;
      if (lateMs > lateMsMax && !paused) this.#stage.complain(`${id} was told ${lateMs} ms late`);
    }
  }

  #remember(well: boolean): void {
    this.recent.push(well);
    if (this.recent.length > 50) this.recent.shift();
  }

  /** Around each try: none begins when it is too late, and retries keep within their budget. */
  readonly #watching: Interceptor = (next) => async (input, context) => {
    const { id } = input as { readonly id: string };
    const entry = this.#stage.ledger.tried(id);
    this.#tries++;
    if (this.env.now() > entry.deadlineAt && this.#stage.world.now - this.pausedAt > lateMsMax)
      this.#stage.complain(`${id} is tried after its deadline`);
    try {
      return await next(input, context);
    } catch (failure) {
      const unseen = isTrunklineError(failure) && failure.executed === "no";
      if (unseen && failure.code === "UNAVAILABLE") this.#unseen++;
      throw failure;
    } finally {
      this.#checkBudget();
    }
  };

  #checkBudget(): void {
    const { perSecond, seconds, ratio } = budget;
    const free = perSecond * (this.#stage.world.now / 1_000 + seconds);
    // Second tries beside a late one come from the same budget.
    const allowed = this.#calls + this.#unseen + free + ratio * this.#answered + 1;
    if (this.#tries > allowed)
      this.#stage.complain(`${this.name} made ${this.#tries} tries, ${allowed} were allowed`);
  }

  /** When all is quiet nothing may be held. */
  async finish(): Promise<void> {
    const { lanes, endpoints } = stateOf(this.#desk);
    if (this.#open > 0) this.#stage.complain(`${this.name}: ${this.#open} calls have not ended`);
    if (Object.keys(lanes).length > 0)
      this.#stage.complain(`${this.name} holds ${JSON.stringify(lanes)} in its bulkhead`);
    for (const { id, inFlight } of endpoints)
      if (inFlight > 0) this.#stage.complain(`${this.name} holds ${inFlight} permits of ${id}`);
    await close(this.#desk);
    await new Promise<void>((resolve) => void this.env.in(1, resolve));
    const alarms = this.env.alarms - this.#stage.network.dialling(this.env);
    if (alarms > 0) this.#stage.complain(`${this.name} has closed with ${alarms} alarms set`);
  }

  /** Breakers that are not closed. */
  get open(): readonly string[] {
    return stateOf(this.#desk)
      .endpoints.filter(({ breaker }) => breaker !== "closed")
      .map(({ id }) => id);
  }
}
