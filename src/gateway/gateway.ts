import { milliseconds } from "../base/duration.ts";
import { realEnv } from "../base/real-env.ts";
import { systemError } from "../base/error.ts";
import { chassis, type Chassis, type ChassisOptions } from "../chassis/chassis.ts";
import type { StopOptions, Stopped } from "../chassis/ending.ts";
import type { ChassisStats } from "../chassis/stats.ts";
import type { Service } from "../call/serve.ts";
import type { AnyContract } from "../contract/contract.ts";
import type { Incoming } from "../protocol/incoming.ts";
import type { Operation } from "../protocol/operation.ts";
import { rest } from "../protocol/rest/rest.ts";
import { Forwarded } from "./forwarding/forwarded.ts";
import type { Director } from "./forwarding/onward.ts";
import { httpFace } from "./http/http-face.ts";
import type { GatewayOptions, RouteOptions } from "./options.ts";
import { Plan, type RouteStats } from "./plan.ts";
import { routesProblems } from "./routing/check-routes.ts";
import { Upstreams } from "./upstreams.ts";

/** What has become of a gateway, since it began. */
export interface GatewayStats extends ChassisStats {
  /** Since their table was read. */
  readonly routes: readonly RouteStats[];
}

/** A process in the middle. */
export interface Gateway extends AsyncDisposable {
  readonly name: string;
  /** Where it listens in truth. */
  readonly addresses: readonly string[];
  /** False as soon as it begins to stop. */
  readonly ready: boolean;
  /** Resolves when it has stopped, for whatever reason. */
  readonly stopped: Promise<Stopped>;
  stats(): GatewayStats;
  /**
   * Takes other routes: for requests that begin from now on. Those under way end by the old ones.
   *
   * @throws TrunklineError INVALID_ARGUMENT that lists all that is wrong with them; then the old ones stay.
   */
  route(routes: readonly RouteOptions[]): Promise<void>;
  /** Stops in order: readiness, drain, close. With `force` at once. */
  stop(options?: StopOptions): Promise<Stopped>;
}

/**
 * Starts a process that hands requests on: of operations by any protocol to any protocol, and of plain HTTP. It listens as a
 * chassis does, and stops as one.
 *
 * @throws TrunklineError that lists every problem at once; nothing listens then.
 */
export async function gateway(options: GatewayOptions): Promise<Gateway> {
  const env = options.env ?? realEnv();
  const { contracts = [], authorize, bindings = [], name = "gateway" } = options;
  refuseProblems(name, options.routes, contracts);
  const { requestWithin } = options;
  const requestMs = requestWithin === undefined ? undefined : milliseconds(requestWithin);
  const table = new Table();
  const restOptions = { bindings };
  const upstreams = new Upstreams(
    {
      protocols: [rest(restOptions)],
      instance: name,
      ...(options.transports === undefined ? {} : { transports: options.transports }),
      ...options.upstream,
    },
    env,
  );
  const around = {
    contracts,
    authorize,
    upstreams,
    env,
    inFlight: () => table.inFlight(),
  };
  table.plan = await Plan.make(options.routes, around);
  const service = (contract: AnyContract): Service => ({
    contract,
    handlers: {},
    servedBy: (member, serving) => new Forwarded(member, table, serving, env),
  });
  let app: Chassis;
  try {
    app = await chassis({
      ...settingsOf(options),
      name,
      listen: options.listen,
      serve: contracts.map(service),
      protocols: [httpFace(() => table.plan!, restOptions, requestMs)],
      env,
    });
  } catch (error) {
    table.plan.retire();
    await upstreams.closed();
    throw error;
  }
  table.inFlight = () => app.inFlight;
  return new Running(app, table, around);
}

/** The plan of the moment. */
class Table implements Director {
  plan: Plan | undefined;
  inFlight: () => number = () => 0;

  direct(operation: Operation, incoming: Incoming): ReturnType<Director["direct"]> {
    return this.plan!.direct(operation, incoming);
  }
}

class Running implements Gateway {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly stopped: Promise<Stopped>;
  readonly #app: Chassis;
  readonly #table: Table;
  readonly #around: Parameters<typeof Plan.make>[1];
  #routing: Promise<void> = Promise.resolve();

  constructor(app: Chassis, table: Table, around: Parameters<typeof Plan.make>[1]) {
    this.name = app.name;
    this.addresses = app.addresses;
    this.#app = app;
    this.#table = table;
    this.#around = around;
    this.stopped = this.#ended();
  }

  get ready(): boolean {
    return this.#app.ready;
  }

  stats(): GatewayStats {
    return { ...this.#app.stats(), routes: this.#table.plan!.stats() };
  }

  /** One after the other: the last one given holds. */
  route(routes: readonly RouteOptions[]): Promise<void> {
    const routed = this.#routing.then(() => this.#route(routes));
    this.#routing = routed.catch(() => {});
    return routed;
  }

  async #route(routes: readonly RouteOptions[]): Promise<void> {
    refuseProblems(this.name, routes, this.#around.contracts);
    const before = this.#table.plan!;
    const plan = await Plan.make(routes, this.#around, before);
    if (!this.ready) return plan.retire();
    this.#table.plan = plan;
    before.retire();
  }

  stop(options?: StopOptions): Promise<Stopped> {
    void this.#app.stop(options);
    return this.stopped;
  }

  async #ended(): Promise<Stopped> {
    const stopped = await this.#app.stopped;
    await this.#routing;
    this.#table.plan!.retire();
    await this.#around.upstreams.closed();
    return stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** What is given on to the chassis as it is. */
const settings = [
  "insecure",
  "stop",
  "signals",
  "reload",
  "inFlightMax",
  "itemBytesMax",
  "connectionsMax",
  "reflection",
  "formats",
  "transports",
  "keys",
  "register",
] as const;

function settingsOf(options: GatewayOptions): Partial<ChassisOptions> {
  const given = settings.map((name) => [name, options[name]] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

function refuseProblems(
  name: string,
  routes: readonly RouteOptions[],
  contracts: readonly AnyContract[],
): void {
  const problems = routesProblems(routes, contracts);
  if (problems.length === 0) return;
  const list = problems.map(
    ({ at, reason }, index) => `\n  ${index + 1}. ${pathText(at)}: ${reason}`,
  );
  throw systemError(
    "INVALID_ARGUMENT",
    `the routes of ${JSON.stringify(name)} have ${problems.length === 1 ? "1 problem" : `${problems.length} problems`}:${list.join("")}`,
    {
      executed: "no",
    },
  );
}

/** `routes[2].match.path` */
function pathText(at: readonly (string | number)[]): string {
  return at
    .map((part, index) =>
      typeof part === "number" ? `[${part}]` : index === 0 ? part : `.${part}`,
    )
    .join("");
}
