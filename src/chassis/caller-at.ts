import type { Env } from "../base/env.ts";
import { systemError } from "../base/error.ts";
import { hostId } from "../base/host-id.ts";
import { uuidv7 } from "../base/id.ts";
import { membersOf } from "../call/compile.ts";
import { Services } from "../call/serve.ts";
import { info, type AnyContract } from "../contract/contract.ts";
import { lastGoodFile } from "../discovery/last-good-file.ts";
import { checkOptions } from "../pipeline/check-options.ts";
import { pipelineTerms, type PipelineTerms, type ResilienceOptions } from "../pipeline/terms.ts";
import type { Dispatcher } from "../protocol/protocol.ts";
import { checkLane } from "../protocol/standing.ts";
import { parseAddress, type Address } from "../transport/address.ts";
import { CallerPool, type TakenCaller } from "./caller-pool.ts";
import { connectOptions, type ClientOptions } from "./client-options.ts";
import { LateEvidence } from "./late-evidence.ts";
import { checkSentDefault } from "./mode.ts";
import { pipelines, type TakenPipeline } from "./pipeline-pool.ts";
import { checkService, pipelineTo, pipelineToService, type TakenEvidence } from "./pipelines.ts";
import { isBrokerAddress } from "./broker-at.ts";
import { brokerPlace } from "./broker-calls.ts";
import { cannotStart, kindProblems, servicesProblems } from "./problems.ts";
import { conceal, defaultDiscovery, takeDiscovery } from "./registries.ts";
import { wayTo } from "./schemes.ts";

/** As the protocols have it. */
const connectWaitMsDefault = 2_000;

const pool = new CallerPool();

/** What carries the requests of a client to an address, or to a service: a pipeline that all of the same terms share. */
export function callerAt(
  contract: AnyContract,
  text: string,
  options: ClientOptions,
  env: Env,
): TakenCaller {
  if (isBrokerAddress(text)) return callerByBroker(text, contract, options, env);
  const address = parseAddress(text);
  if (address.protocol === "service") return callerFor(address.place, contract, options, env);
  checkOneWay(contract, address, options);
  const { lane, protocols, transports } = options;
  const { terms, resilience, connect } = resilienceOf(options, contract, env);
  const dispatcher = dispatcherOf(text, address, options, env);
  const take = (of: string) => pool.take(address, connect, dispatcher, env, options, of);
  const single = dispatcher !== undefined || ownConnection.has(address.transport);
  const make = () =>
    pipelineTo(address.text, take, single, terms, lane, evidenceOf(options, terms, env), env);
  if (dispatcher !== undefined) {
    const pipeline = make();
    return { caller: pipeline, release: () => pipeline.close() };
  }
  const given = { resilience, connect, lane, protocols, transports, evidence: options.evidence };
  return shared(pipelines.take(address.text, given, env, make));
}

/** Where no answer can come from, who asks for one is told at once; elsewhere a kind that is missing is told when it is asked for. */
function checkOneWay(contract: AnyContract, address: Address, options: ClientOptions): void {
  const { protocol } = wayTo(address, options);
  if (protocol?.capabilities.kinds.includes("call") !== false) return;
  const problems = kindProblems({ contract }, [{ address, protocol }]).map((text) => ({
    text,
    code: "UNIMPLEMENTED" as const,
  }));
  if (problems.length > 0) throw cannotStart(`client of ${contract[info].name}`, problems);
}

/** By a broker everybody asks alone: replies are heard by who has asked. */
function callerByBroker(
  text: string,
  contract: AnyContract,
  options: ClientOptions,
  env: Env,
): TakenCaller {
  const place = brokerPlace(text, env);
  const { address, protocol } = place;
  const problems = kindProblems({ contract }, [place]).map((told) => ({ text: told }));
  if (options.serve !== undefined && options.serve.length > 0)
    problems.push({ text: `${address.protocol} has no way for ${address.text} to call back.` });
  if (problems.length > 0) throw cannotStart(`client of ${contract[info].name}`, problems);
  const { terms, connect } = resilienceOf(options, contract, env);
  const caller = protocol.connect(address, connect, env);
  const take = (): TakenCaller => ({ caller, release: (withinMs) => caller.close(withinMs) });
  const evidence = evidenceOf(options, terms, env);
  const pipeline = pipelineTo(address.text, take, true, terms, options.lane, evidence, env);
  return { caller: pipeline, release: () => pipeline.close() };
}

/** The service is found anew by everybody who says other terms: they would share what is learned, but not what it leads to. */
function callerFor(
  service: string,
  contract: AnyContract,
  options: ClientOptions,
  env: Env,
): TakenCaller {
  checkService(service, contract);
  checkBalance(options.balance);
  const { lane, laneSpill = false, discovery, locality, balance, lastGood } = options;
  const { protocols, transports } = options;
  const { terms, resilience, connect } = resilienceOf(options, contract, env);
  const given = { resilience, connect, lane, laneSpill, locality, balance, lastGood };
  const { evidence } = options;
  const { major } = contract[info];
  const key = { ...given, discovery, evidence, protocols, transports, major };
  const make = () => {
    const found = takeDiscovery(discovery, env);
    const from = {
      hostId: hostId(),
      locality,
      given: { protocols, transports },
      connect: { ...connect, failFast: true },
      pool,
      env,
    };
    const kept = lastGood === undefined ? undefined : lastGoodFile(lastGood);
    const told = evidenceOf(options, terms, env);
    const named = discovery ?? defaultDiscovery();
    const where = typeof named === "string" ? conceal(named) : named.name;
    const own = { service, where, lane, laneSpill, balance, lastGood: kept, shared: told };
    const parts = { ...own, ...found };
    return pipelineToService(contract, parts, from, terms, env);
  };
  return shared(pipelines.take(`service:${service}`, key, env, make));
}

/** Each lane and each distance has a balancer of its own, so that a ready one is of no use. */
function checkBalance(balance: unknown): void {
  if (balance === undefined || typeof balance === "function") return;
  throw systemError("INVALID_ARGUMENT", "balance is not a function that makes a balancer", {
    executed: "no",
    advice: "give p2c itself, or () => ringHash({ … })",
  });
}

/** What other processes tell of endpoints comes by the registry. */
function evidenceOf(
  { evidence, discovery, instance = "anonymous", ...given }: ClientOptions,
  { breaker }: PipelineTerms,
  env: Env,
): TakenEvidence {
  if (typeof evidence === "object") return { evidence, release: () => Promise.resolve() };
  if (evidence?.startsWith("registry+") === false) {
    throw systemError("INVALID_ARGUMENT", `evidence: "${evidence}" names no registry`, {
      executed: "no",
      advice: 'say which exchanges it: "registry+tcp://host:7500"',
    });
  }
  const text = evidence ?? (typeof discovery === "string" ? discovery : undefined);
  const global = breaker !== false && breaker.scope === "global";
  if (breaker === false || text?.startsWith("registry+") !== true) {
    if (!global) return { evidence: undefined, release: () => Promise.resolve() };
    throw systemError(
      "INVALID_ARGUMENT",
      "a global breaker needs a registry to exchange evidence",
      {
        executed: "no",
        advice: 'say which: evidence: "registry+tcp://host:7500", or that as discovery',
      },
    );
  }
  const { quorum } = breaker;
  const own = { host: hostId(), process: `${instance}-${uuidv7(env)}`, quorum, global };
  const late = new LateEvidence(async () =>
    (await import("./registry-at.ts")).evidenceAt(text, own, given, env),
  );
  return { evidence: late, release: () => late[Symbol.asyncDispose]() };
}

/** Transports with one connection, made when the process began. */
const ownConnection: ReadonlySet<string> = new Set(["stdio"]);

function shared({ pipeline, release }: TakenPipeline): TakenCaller {
  return { caller: pipeline, release };
}

/** What is said of how to survive; names of operations that there are not are a mistake. */
function resilienceOf(options: ClientOptions, contract: AnyContract, env: Env) {
  const { retry, attemptTimeout, hedge, breaker, limit, throttle, operations } = options;
  const { name, operations: known } = contract[info];
  checkLane(options.lane);
  for (const member of Object.keys(operations ?? {})) {
    if (Object.hasOwn(known, member)) continue;
    const reason = `operations.${member}: ${name} has no such operation`;
    const advice = `it has ${Object.keys(known).join(", ")}`;
    throw systemError("INVALID_ARGUMENT", reason, { executed: "no", advice });
  }
  const all = { retry, attemptTimeout, hedge, breaker, limit, throttle, operations };
  const resilience: ResilienceOptions = Object.fromEntries(
    Object.entries(all).filter(([, value]) => value !== undefined),
  );
  checkOptions(resilience);
  const connect = connectOptions(options);
  const waitMs = connect.connectWaitMs ?? connectWaitMsDefault;
  const terms = pipelineTerms(resilience, waitMs, env);
  for (const { operation } of membersOf(contract)) terms.of(operation); // what cannot be meant is told at once
  return { resilience, connect, terms };
}

function dispatcherOf(
  text: string,
  address: Address,
  { serve, aroundHandler, authorize, checkSent, ...given }: ClientOptions,
  env: Env,
): Dispatcher | undefined {
  if (serve === undefined || serve.length === 0) return undefined;
  const { protocol } = wayTo(address, given);
  const problems = servicesProblems(serve, protocol === undefined ? [] : [{ address, protocol }]);
  // What is loaded late speaks with the outside world, which does not call back.
  if (protocol?.capabilities.callback !== true)
    problems.push({ text: `${address.protocol} has no way for ${text} to call back.` });
  if (problems.length > 0) throw cannotStart(`client of ${text}`, problems);
  const options = {
    interceptors: aroundHandler ?? [],
    checkSent: checkSent ?? checkSentDefault(),
    authorize,
  };
  return new Services(serve, options, env);
}
