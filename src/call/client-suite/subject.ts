import type { Duration } from "../../base/duration.ts";
import { milliseconds } from "../../base/duration.ts";
import type { Env } from "../../base/env.ts";
import type { Interceptor } from "../../base/handler.ts";
import { realEnv } from "../../base/real-env.ts";
import type { AnyContract } from "../../contract/contract.ts";
import type { Protocol, ProtocolCapabilities } from "../../protocol/protocol.ts";
import { parseAddress } from "../../transport/address.ts";
import type { Authorize } from "../authorization.ts";
import type { Client } from "../client-type.ts";
import { makeClient } from "../client.ts";
import { Services, type Service } from "../serve.ts";

/** How a case wants its services served; what is absent has the default of `chassis`. */
export interface ServingTerms {
  readonly aroundHandler?: readonly Interceptor[];
  readonly checkSent?: boolean;
  readonly authorize?: Authorize;
  readonly inFlightMax?: number;
  /** How long requests under way may take when it stops. Default: no time. */
  readonly drain?: Duration;
}

/** How a case wants its client; what is absent has the default of `client`. */
export interface ClientTerms {
  readonly deadline?: Duration;
  readonly aroundCall?: readonly Interceptor[];
  readonly aroundAttempt?: readonly Interceptor[];
  readonly connectWait?: Duration;
  readonly outstandingMax?: number;
  readonly checkSent?: boolean;
}

/** What serves, until it is stopped. */
export interface Serving {
  /** Requests under way. */
  readonly inFlight: number;
  /** Lets them end within the time that `drain` gives; resolves with how many were cut. */
  stop(): Promise<number>;
}

/** What is to be proven: how services are served and called, over an address. */
export interface ClientSubject {
  readonly capabilities: ProtocolCapabilities;
  /**
   * Requests wait between both sides until somebody serves them: there is no connection, nobody hears that nobody is there, and what
   * is too much for a server waits for it. Default false.
   */
  readonly queued?: boolean;
  /** An address that nobody uses; another one each time. */
  address(): string | Promise<string>;
  serve(
    services: readonly Service[],
    address: string,
    terms: ServingTerms,
    env: Env,
  ): Promise<Serving>;
  connect<C extends AnyContract>(
    contract: C,
    address: string,
    terms: ClientTerms,
    env: Env,
  ): Client<C> & AsyncDisposable;
  /** Surroundings of one case. Default: the machine's. */
  env?(): Env;
}

/** A protocol as the suite of clients takes it. */
export function overProtocol(
  protocol: Protocol,
  address: () => string | Promise<string>,
  env: () => Env = realEnv,
): ClientSubject {
  return {
    capabilities: protocol.capabilities,
    address,
    env,
    serve: async (services, place, terms, surroundings) => {
      const { aroundHandler = [], checkSent = true, authorize, inFlightMax, drain = 0 } = terms;
      const dispatcher = new Services(
        services,
        { interceptors: aroundHandler, checkSent, authorize },
        surroundings,
      );
      const bounds = inFlightMax === undefined ? {} : { inFlightMax };
      const server = await protocol.serve(parseAddress(place), dispatcher, bounds, surroundings);
      return {
        get inFlight() {
          return server.inFlight;
        },
        stop: () => server.drain(milliseconds(drain)),
      };
    },
    connect: (contract, place, terms, surroundings) => {
      const { connectWait, outstandingMax } = terms;
      const bounds = {
        ...(connectWait === undefined ? {} : { connectWaitMs: milliseconds(connectWait) }),
        ...(outstandingMax === undefined ? {} : { outstandingMax }),
      };
      const caller = protocol.connect(parseAddress(place), bounds, surroundings);
      const calling = {
        caller,
        env: surroundings,
        deadlineMs: milliseconds(terms.deadline ?? "10s"),
        checkSent: terms.checkSent ?? true,
        aroundCall: terms.aroundCall ?? [],
        aroundAttempt: terms.aroundAttempt ?? [],
      };
      return makeClient(contract, calling, () => caller.close());
    },
  };
}
