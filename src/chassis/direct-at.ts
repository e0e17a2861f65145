import { dirname, join } from "node:path";

import type { Env } from "../base/env.ts";
import { isTrunklineError, systemError } from "../base/error.ts";
import { hostId } from "../base/host-id.ts";
import { hex } from "../base/id.ts";
import { DirectBroker } from "../bridge/direct/direct.ts";
import type { Ground, Listening } from "../bridge/direct/ground.ts";
import { capabilities } from "../bridge/direct/terms.ts";
import type { BrokerFactory } from "../broker/broker.ts";
import type { Authorize } from "../call/authorization.ts";
import { reachable } from "../discovery/choose.ts";
import { openFolder } from "../discovery/directory/folder.ts";
import type { Discovery } from "../discovery/discovery.ts";
import type { Dispatcher, Server } from "../protocol/protocol.ts";
import type { ProtocolFactory } from "../protocol/protocol-factory.ts";
import type { Transport } from "../transport/transport.ts";
import { advertised } from "./advertised.ts";
import { CallerPool } from "./caller-pool.ts";
import { cannotStart, opennessProblems, placesOf, problemOf, type Problem } from "./problems.ts";
import { reach } from "./reach.ts";
import { takeDiscovery, userFolder } from "./registries.ts";
import type { Given } from "./schemes.ts";

/** How processes that send each other messages without a broker find and hear each other. */
export interface DirectOptions {
  /** Where they find each other: an address (`etcd://…`) or a discovery, which stays yours to close. Default: what `TRUNKLINE_DISCOVERY` says, else the directory of this user. */
  readonly discovery?: string | Discovery;
  /**
   * Where this process listens for messages when it consumes, or waits for replies: addresses of its own, beside those of its
   * services. Default: a socket of this user on this host; say `tls://` where consumers and publishers are on several hosts.
   */
  readonly listen?: string | readonly string[];
  /** Where others reach it when that is not where it listens. Default: where it listens. */
  readonly addresses?: readonly string[];
  /** Lets addresses be that other hosts can reach without TLS. Default false: they are refused. */
  readonly insecure?: boolean;
  /** Says who may send messages here, as the option of a chassis does. Default: whoever can connect. */
  readonly authorize?: Authorize;
  /** Further transports, `tls({ … })` above all. Default none. */
  readonly transports?: readonly Transport[];
  /** Protocols with options of yours. Default none. */
  readonly protocols?: readonly ProtocolFactory[];
}

/**
 * Messages without a broker, for `messages: { make: direct({ … }), address: "direct:" }`, or `messages: "direct:"` with all the
 * defaults: from who publishes straight to who consumes, over connections that discovery leads to. Behind the colon may stand a
 * name: only those who say the same one find each other. Nothing is stored: who is not there misses it, and what a process has
 * when it dies is lost.
 */
export function direct(options: DirectOptions = {}): BrokerFactory {
  return {
    name: "direct",
    schemes: ["direct"],
    capabilities,
    open: async (address, open, env) => {
      const namespace = namespaceOf(address);
      const ground = groundOf(options, env);
      return new DirectBroker({ ...open, namespace, authorize: options.authorize }, ground, env);
    },
  };
}

const nameCharsMax = 64;

function namespaceOf(address: string): string | undefined {
  const [, name] = /^direct:([A-Za-z0-9._-]*)$/.exec(address) ?? [];
  if (name === undefined || name.length > nameCharsMax)
    throw systemError("INVALID_ARGUMENT", "what follows direct: is no name", {
      executed: "no",
      advice: `write direct: or direct:NAME, with at most ${nameCharsMax} letters, digits, dots, dashes and underscores`,
    });
  return name === "" ? undefined : name;
}

/** The longest that a process is dialled before its message goes elsewhere, in milliseconds. */
const connectWaitMs = 1_000;

function groundOf(options: DirectOptions, env: Env): Ground {
  const { discovery: which, transports, protocols } = options;
  const given: Given = { transports, protocols };
  const { discovery, release } = takeDiscovery(which, env);
  const { registers, attributes } = discovery.capabilities;
  if (!registers || !attributes) {
    void release();
    throw systemError("UNIMPLEMENTED", `in ${discovery.name} nobody can tell what it consumes`, {
      executed: "no",
      advice: "find each other in directory:, etcd://, consul:// or registry+tcp://",
    });
  }
  const own = hostId();
  const connect = { connectWaitMs, failFast: true };
  const from = { hostId: own, locality: undefined, given, connect, pool: new CallerPool(), env };
  return {
    discovery,
    hostId: own,
    listen: (dispatcher, instance) => listen(dispatcher, instance, discovery, options, env),
    dial(instance) {
      const addresses = reachable(instance, own);
      const found = reach({ ...instance, addresses }, { ...from, kinds: new Set(["call"]) });
      if (typeof found !== "string")
        return { caller: found.caller, release: () => found.release(0) };
      throw systemError("UNAVAILABLE", `${instance.id} cannot be reached from here: ${found}`, {
        executed: "no",
        advice: 'let it listen where others can come: direct({ listen: "tls://…" })',
      });
    },
    release,
  };
}

async function listen(
  dispatcher: Dispatcher,
  instance: string,
  discovery: Discovery,
  options: DirectOptions,
  env: Env,
): Promise<Listening> {
  const texts = options.listen === undefined ? undefined : [options.listen].flat();
  const servers =
    texts === undefined
      ? [await onThisHost(dispatcher, instance, options, env)]
      : await serveAll(texts, dispatcher, instance, options, env);
  const inside = discovery.name === "memory";
  const listening = servers.map(({ address }) => address);
  return {
    addresses: options.addresses ?? advertised(listening, inside),
    close: async (withinMs) => {
      await Promise.all(servers.map((server) => server.drain(withinMs)));
    },
  };
}

async function serveAll(
  texts: readonly string[],
  dispatcher: Dispatcher,
  instance: string,
  options: DirectOptions,
  env: Env,
): Promise<Server[]> {
  const problems: Problem[] = [];
  const places = await placesOf(texts, options, problems);
  if (options.insecure !== true) problems.push(...opennessProblems(places));
  if (problems.length > 0) throw cannotStart("direct", problems);
  const results = await Promise.allSettled(
    places.map(({ protocol, address }) =>
      protocol.serve(address, dispatcher, { instance, bootId: instance }, env),
    ),
  );
  const servers = results.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  const failures = results.flatMap((each) =>
    each.status === "rejected" ? [problemOf(each.reason)] : [],
  );
  if (failures.length === 0) return servers;
  await Promise.all(servers.map((server) => server.drain(0)));
  throw cannotStart("direct", failures);
}

/** Names of sockets in the folder of a user: dead ones are taken over, so that there are never more files than this. */
const sockets = 4_096;

/** How many names are tried that others listen at. */
const triesMax = 32;

async function onThisHost(
  dispatcher: Dispatcher,
  instance: string,
  options: DirectOptions,
  env: Env,
): Promise<Server> {
  const { folder, user } = userFolder();
  const path = join(dirname(folder), "direct");
  await openFolder(path, user);
  for (let tries = 1; ; tries++) {
    const name = hex(Math.floor(env.random() * sockets), 3);
    try {
      const [server] = await serveAll(
        [`unix:${join(path, name)}`],
        dispatcher,
        instance,
        options,
        env,
      );
      return server!;
    } catch (error) {
      // Somebody listens there. What else it may be, the next one is no better.
      if (!isTrunklineError(error) || tries === triesMax) throw error;
    }
  }
}
