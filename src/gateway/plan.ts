import type { Env } from "../base/env.ts";
import { systemError } from "../base/error.ts";
import { membersOf } from "../call/compile.ts";
import { info, type AnyContract } from "../contract/contract.ts";
import type { Incoming } from "../protocol/incoming.ts";
import type { Operation } from "../protocol/operation.ts";
import { Composition } from "./composing/composition.ts";
import { cancelling, type Director, type Onward } from "./forwarding/onward.ts";
import { HttpRoute, type HttpEnd, type HttpFigures } from "./http/http-route.ts";
import { HttpTarget, loadUndici } from "./http/http-target.ts";
import { HttpUpstream } from "./http/http-upstream.ts";
import type { Admitted, GatewayAuthorize, RouteOptions, TargetOptions } from "./options.ts";
import { byContracts } from "./routing/check-routes.ts";
import { Gatekeeper } from "./routing/gatekeeper.ts";
import {
  matchOperation,
  operationPattern,
  type OperationPattern,
} from "./routing/operation-pattern.ts";
import { OperationRoute, type Target } from "./routing/operation-route.ts";
import type { Upstreams } from "./upstreams.ts";

/** What stays when the table is read anew. */
export interface PlanSurroundings {
  readonly contracts: readonly AnyContract[];
  readonly authorize: GatewayAuthorize | undefined;
  readonly upstreams: Upstreams;
  readonly env: Env;
  /** Requests under way in the gateway. */
  readonly inFlight: () => number;
}

/** What became of one route, since its table was read. */
export interface RouteStats {
  readonly name: string;
  /** Of a route of a path; what became of operations stands beside the routes. */
  readonly requests?: HttpFigures;
  /** Requests that were answered by the call of another one. */
  readonly joined: number;
  readonly mirror?: { readonly sent: number; readonly dropped: number; readonly failed: number };
}

/**
 * A table of routes, everything in it resolved. What has begun with it ends with it: it is let go of when it was retired and the
 * last of its requests has ended.
 */
export class Plan implements Director {
  readonly httpRoutes: readonly HttpRoute[];
  readonly operationRoutes: readonly OperationRoute[];
  readonly #release: () => void;
  #underWay = 0;
  #retired = false;

  /** The routes have no problems. Rejects when something that they lead to cannot be made. */
  static async make(
    routes: readonly RouteOptions[],
    around: PlanSurroundings,
    before?: Plan,
  ): Promise<Plan> {
    const making = new Making(around, before);
    try {
      for (const [index, route] of routes.entries())
        await making.add(route, route.name ?? `route ${index + 1}`);
    } catch (error) {
      making.release();
      throw error;
    }
    return new Plan(making);
  }

  private constructor(making: Making) {
    this.httpRoutes = making.httpRoutes;
    this.operationRoutes = making.operationRoutes;
    this.#release = () => making.release();
  }

  stats(): RouteStats[] {
    return [
      ...this.operationRoutes.map(({ name, figures: { joined, mirror } }) => ({
        name,
        joined,
        ...(mirror === undefined ? {} : { mirror }),
      })),
      ...this.httpRoutes.map(({ name, figures }) => ({ name, joined: 0, requests: figures })),
    ];
  }

  /** A request uses it; what it returns is called when that has ended. */
  begin(): () => void {
    this.#underWay++;
    let over = false;
    return () => {
      if (over) return;
      over = true;
      this.#underWay--;
      this.#look();
    };
  }

  /** No further request uses it. */
  retire(): void {
    this.#retired = true;
    this.#look();
  }

  #look(): void {
    if (this.#retired && this.#underWay === 0) this.#release();
  }

  direct(operation: Operation, incoming: Incoming): Onward | Promise<Onward> {
    const route = this.#routeOf(operation, incoming);
    const settled = this.begin();
    try {
      const onward = route.direct(operation, incoming);
      if (!(onward instanceof Promise)) return { ...onward, settled };
      return onward.then(
        (known) => ({ ...known, settled }),
        (failure: unknown) => {
          settled();
          throw failure;
        },
      );
    } catch (failure) {
      settled();
      throw failure;
    }
  }

  /** Makes a call on behalf of a request that was let in by its own route. */
  async call(
    operation: Operation,
    input: unknown,
    incoming: Incoming,
    who: Admitted,
  ): Promise<unknown> {
    const { caller, attempt, around } = this.#routeOf(operation, incoming).onward(
      operation,
      incoming,
      who,
    );
    incoming.bind(cancelling(attempt));
    const send = (): Promise<unknown> => caller.call(operation, input, attempt);
    return around === undefined ? send() : around(input, send);
  }

  #routeOf(operation: Operation, { headers }: Incoming): OperationRoute {
    const route = this.operationRoutes.find((each) => each.matches(operation, headers));
    if (route !== undefined) return route;
    throw systemError("UNIMPLEMENTED", `no route leads to ${operation.name}`, {
      executed: "no",
      advice: `add a route that matches the operation "${operation.name}"`,
    });
  }
}

/** A plan while it is made. */
class Making {
  readonly httpRoutes: HttpRoute[] = [];
  readonly operationRoutes: OperationRoute[] = [];
  readonly #around: PlanSurroundings;
  readonly #operations: readonly Operation[];
  readonly #gatekeepers = new Map<string, Gatekeeper>();
  readonly #releases: (() => void)[] = [];

  constructor(around: PlanSurroundings, before: Plan | undefined) {
    this.#around = around;
    this.#operations = around.contracts.flatMap((contract) =>
      membersOf(contract).map(({ operation }) => operation),
    );
    for (const { name, gatekeeper } of [
      ...(before?.httpRoutes ?? []),
      ...(before?.operationRoutes ?? []),
    ])
      this.#gatekeepers.set(name, gatekeeper);
  }

  release(): void {
    for (const release of this.#releases.splice(0)) release();
  }

  async add(options: RouteOptions, name: string): Promise<void> {
    const { authorize, env, inFlight } = this.#around;
    const before = this.#gatekeepers.get(name);
    if (options.match.operation === undefined) {
      const end = await this.#endOf(options);
      // What leads to operations is asked there who may, each by its own route.
      const asks = end.to === "contracts" ? undefined : authorize;
      const gatekeeper = new Gatekeeper(asks, options.limit, env, before);
      this.httpRoutes.push(new HttpRoute(name, options, end, gatekeeper));
      return;
    }
    const gatekeeper = new Gatekeeper(authorize, options.limit, env, before);
    const patterns = [options.match.operation]
      .flat()
      .map((text) => operationPattern(text) as OperationPattern);
    const retry = options.retry !== false;
    const targets = targetsOf(options.to!).map((each) => this.#target(each, patterns, retry));
    const { mirror } = options;
    const shadow =
      mirror === undefined ? undefined : this.#target({ address: mirror.to }, patterns, false);
    this.operationRoutes.push(
      new OperationRoute({ name, options, patterns, targets, shadow, gatekeeper, env, inFlight }),
    );
  }

  /** A client for each contract of which the route matches an operation. */
  #target(
    { address, weight = 1 }: TargetOptions,
    patterns: readonly OperationPattern[],
    retry: boolean,
  ): Target {
    const callers = new Map(
      this.#around.contracts
        .filter((contract) =>
          membersOf(contract).some(({ operation }) =>
            patterns.some((pattern) => matchOperation(pattern, operation)),
          ),
        )
        .map((contract) => {
          const { caller, release } = this.#around.upstreams.take(contract, address, retry);
          this.#releases.push(release);
          return [identity(contract[info]), caller];
        }),
    );
    return {
      id: address,
      weight,
      callerFor: ({ owner }) => callers.get(identity(owner))!,
    };
  }

  async #endOf({ to, compose }: RouteOptions): Promise<HttpEnd> {
    const { env } = this.#around;
    if (compose !== undefined)
      return { to: "composition", composition: new Composition(compose, this.#operations) };
    if (to === byContracts) return { to: "contracts" };
    const undici = await loadUndici();
    const targets = targetsOf(to!).map(({ address, weight = 1 }) => {
      const target = new HttpTarget(undici, address, weight, env);
      this.#releases.push(() => void target.close());
      return target;
    });
    return { to: "upstream", upstream: new HttpUpstream(targets, env) };
  }
}

function targetsOf(to: NonNullable<RouteOptions["to"]>): readonly TargetOptions[] {
  return (typeof to === "string" ? [to] : to).map((each) =>
    typeof each === "string" ? { address: each } : each,
  );
}

function identity({ name, major }: { readonly name: string; readonly major: number }): string {
  return `${name}@${major}`;
}
