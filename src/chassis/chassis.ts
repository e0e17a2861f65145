import type { Env } from "../base/env.ts";
import { isTrunklineError } from "../base/error.ts";
import { uuidv7 } from "../base/id.ts";
import { realEnv } from "../base/real-env.ts";
import { LoadGate } from "../call/load/load-gate.ts";
import { Services, type Service } from "../call/serve.ts";
import type { Dispatcher, ServeOptions, Server } from "../protocol/protocol.ts";
import { clientStates } from "./client-state.ts";
import { withSameHost } from "./same-host.ts";
import { formatProblems } from "./format-problems.ts";
import { serveHealth } from "./health.ts";
import { HealthBoard } from "./health-board.ts";
import { isBrokerAddress } from "./broker-at.ts";
import { brokerPlace } from "./broker-calls.ts";
import { sorted } from "./messages.ts";
import { checkSentDefault } from "./mode.ts";
import { near, Offer } from "./offer.ts";
import {
  budgetsOf,
  cannotStart,
  overloadProblems,
  opennessProblems,
  placesOf,
  problemOf,
  servicesProblems,
  type Place,
  type Problem,
} from "./problems.ts";
import { serveReflection, type Reflected } from "./reflection.ts";
import { registerTerms, registrationOf } from "./self-registration.ts";
import { keysProblems, ProcessKeys } from "./keys.ts";
import { signalProblems } from "./signals.ts";
import { messagesAndStores } from "./messages-and-stores.ts";
import type { ChassisOptions } from "./chassis-options.ts";
import { RunningChassis, type Chassis } from "./running-chassis.ts";

export type { ChassisOptions } from "./chassis-options.ts";
export type { Chassis } from "./running-chassis.ts";

/**
 * Starts a process that serves contracts: checks everything, listens, and stops in order on SIGTERM, or when nobody can
 * come any more (the parent of a child that listens on `stdio:` alone has closed its pipes).
 *
 * @throws TrunklineError that lists every problem at once when it cannot keep what it promises; nothing listens then.
 */
export async function chassis(asked: ChassisOptions): Promise<Chassis> {
  const options = withSameHost(asked);
  const env = options.env ?? realEnv();
  const { name, admission = {} } = options;
  const served = sorted(options.serve ?? []);
  const { services } = served;
  const problems: Problem[] = [];
  const listened = await listenedAt(options, problems, env);
  const places = [...listened, ...(options.mounts ?? [])];
  if (options.insecure !== true) problems.push(...opennessProblems(places));
  problems.push(...servicesProblems(services, places));
  const contracts = services.map(({ contract }) => contract);
  problems.push(...formatProblems(options.formats ?? [], contracts));
  if (admission !== false) problems.push(...overloadProblems(admission, contracts));
  const budgets = budgetsOf(options.stop ?? {}, problems);
  problems.push(...signalProblems(options.signals ?? true, listened));
  const checkSent = options.checkSent ?? checkSentDefault();
  const interceptors = options.aroundHandler ?? [];
  const { stores, messages } = messagesAndStores(options, served, checkSent, env);
  problems.push(...(await messages.problems()), ...(await stores.problems()));
  problems.push(...keysProblems(options.keys, services));
  const register = registerTerms(options.register, { contracts, places: listened }, problems, env);
  if (problems.length > 0) {
    await register?.taken.release();
    throw cannotStart(name, problems);
  }

  const instance = `${name}-${uuidv7(env)}`;
  const { context } = messages;
  const serving = { interceptors, checkSent, authorize: options.authorize, context };
  const gate = admission === false ? undefined : new LoadGate(admission, env);
  const keys = new ProcessKeys(options.keys, services, env);
  const given = new Services(services, { ...serving, ...keys.options, gate }, env);
  const stopping = new AbortController();
  const board = new HealthBoard(contracts, stopping.signal);
  const running = Promise.withResolvers<Reflected>();
  // Around our own services there are no interceptors: they were written for the services given.
  const own = (service: Service): Services =>
    new Services([service], { ...serving, interceptors: [] }, env);
  const open = new Offer([given, own(serveHealth(board))]);
  const reflected = new Offer([open, own(serveReflection(running.promise, services))]);
  const offerAt = ({ address }: Place): Dispatcher =>
    (options.reflection ?? near(address)) ? reflected : open;
  let servers: readonly Server[];
  try {
    await messages.open();
    await keys.open();
    servers = await listenAll(options, places, offerAt, { instance, gate }, env);
  } catch (error) {
    await Promise.all([register?.taken.release(), messages.close(), keys.close()]);
    throw isTrunklineError(error) && error.operation === undefined && error.endpoint === undefined
      ? error
      : cannotStart(name, [problemOf(error)]);
  }
  const listening = servers.slice(0, listened.length);
  const listens = { instance, contracts, servers: listening, keyStore: keys.name };
  const registration = register && registrationOf(register, listens, env);
  const app = new RunningChassis(
    options,
    instance,
    { given, gate, board, stopping, budgets, registration, messages, stores, keys },
    servers,
    env,
  );
  running.resolve({
    addresses: app.addresses,
    stats: () => app.stats(),
    clients: () => clientStates(env),
  });
  await app.begin();
  return app;
}

/** Where it is to listen, at servers of its own and at brokers. */
async function listenedAt(
  options: ChassisOptions,
  problems: Problem[],
  env: Env,
): Promise<Place[]> {
  const texts = [options.listen ?? []].flat();
  const direct = texts.filter((text) => !isBrokerAddress(text));
  const brokers = texts.filter(isBrokerAddress);
  return [
    ...(await placesOf(direct, options, problems)),
    ...brokers.map((text) => brokerPlace(text, env)),
  ];
}

async function listenAll(
  options: ChassisOptions,
  places: readonly Place[],
  offerAt: (place: Place) => Dispatcher,
  { instance, gate }: { readonly instance: string; readonly gate: LoadGate | undefined },
  env: Env,
): Promise<Server[]> {
  const { inFlightMax, itemBytesMax, connectionsMax, formats } = options;
  const serve: ServeOptions = {
    instance,
    bootId: instance,
    ...(inFlightMax === undefined ? {} : { inFlightMax }),
    ...(itemBytesMax === undefined ? {} : { itemBytesMax }),
    ...(connectionsMax === undefined ? {} : { connectionsMax }),
    ...(formats === undefined ? {} : { formats }),
    ...(gate === undefined ? {} : { room: () => gate.left }),
  };
  const results = await Promise.allSettled(
    places.map((place) => place.protocol.serve(place.address, offerAt(place), serve, env)),
  );
  const servers = results.flatMap((result) =>
    result.status === "fulfilled" ? [result.value] : [],
  );
  const failures = results.flatMap((result) =>
    result.status === "rejected" ? [problemOf(result.reason)] : [],
  );
  if (failures.length === 0) return servers;
  await Promise.all(servers.map((server) => server.drain(0)));
  throw cannotStart(options.name, failures);
}
