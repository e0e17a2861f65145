import type { Env } from "../base/env.ts";
import { systemError, type TrunklineError } from "../base/error.ts";
import type { Broker, BrokerFactory, OpenOptions } from "../broker/broker.ts";
import { conceal } from "./registries.ts";

/** A make of broker that an address can name; loaded when one does. */
interface Row {
  readonly example: string;
  /** The library that it needs, where it is not a part of ours. */
  readonly peer?: string;
  readonly load: () => Promise<BrokerFactory>;
}

/** A broker in the memory of another process. */
const served: Row = {
  example: "broker+unix:PATH",
  load: async () => (await import("./remote-broker.ts")).remoteBroker(),
};

/** The makes of brokers, by the schemes of their addresses. */
const rows: Readonly<Record<string, Row>> = {
  amqp: rabbitmq("amqp"),
  amqps: rabbitmq("amqps"),
  "broker+memory": served,
  "broker+tcp": served,
  "broker+tls": served,
  "broker+unix": served,
  direct: {
    example: "direct:",
    load: async () => (await import("./direct-at.ts")).direct(),
  },
  file: {
    example: "file:./data",
    load: async () => (await import("../bridge/embedded/file.ts")).file(),
  },
  kafka: {
    example: "kafka://host:9092",
    peer: "@platformatic/kafka",
    load: async () => (await import("../broker/kafka/index.ts")).kafka(),
  },
  kafkas: {
    example: "kafka://host:9092",
    peer: "@platformatic/kafka",
    load: async () => (await import("../broker/kafka/index.ts")).kafka(),
  },
  memory: {
    example: "memory:NAME",
    load: async () => (await import("../broker/memory/index.ts")).memory(),
  },
  mmap: {
    example: "mmap:./FILE",
    load: async () => (await import("../broker/mmap/index.ts")).mmap(),
  },
  mq: {
    example: "mq:/NAME",
    load: async () => (await import("../broker/mq/index.ts")).mq(),
  },
  sharedfile: {
    example: "sharedfile:./talk",
    load: async () => (await import("../broker/sharedfile/index.ts")).sharedFile(),
  },
  "udp+multicast": {
    example: "udp+multicast://239.1.2.3:7000",
    load: async () => (await import("../broker/multicast/index.ts")).multicast(),
  },
};

function rabbitmq(scheme: string): Row {
  return {
    example: `${scheme}://user:password@host/vhost`,
    peer: "rabbitmq-client",
    load: async () => (await import("../broker/amqp/index.ts")).amqp(),
  };
}

/** Where messages go: an address (`amqp://host`, `kafka://host:9092`, `memory:`), a make with options of yours and where, or a broker that is open. */
export type BrokerChoice = string | ConfiguredBroker | Broker;

/** A make of broker with options of yours, `amqp({ … })`, at an address. */
export interface ConfiguredBroker {
  readonly make: BrokerFactory;
  readonly address: string;
}

/** The make of broker that an address names. @throws TrunklineError INVALID_ARGUMENT when it names none, UNIMPLEMENTED when its library is missing. */
export async function brokerMakeAt(text: string): Promise<BrokerFactory> {
  const [, scheme = ""] = /^([a-z0-9+]+):/.exec(text) ?? [];
  const row = Object.hasOwn(rows, scheme) ? rows[scheme] : undefined;
  if (row === undefined) throw unknownBroker(text);
  try {
    return await row.load();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND" || row.peer === undefined)
      throw cause;
    throw systemError("UNIMPLEMENTED", `${conceal(text)} needs ${row.peer}`, {
      executed: "no",
      advice: `npm i ${row.peer}`,
      cause,
    });
  }
}

/** Opens the broker at an address. Whoever opens it closes it. */
export async function openBroker(text: string, options: OpenOptions, env: Env): Promise<Broker> {
  return (await brokerMakeAt(text)).open(text, options, env);
}

/** What can be a server too. */
const servers: ReadonlySet<string> = new Set(["memory", "mq", "udp+multicast"]);

/** True where an address names a broker, and not a server: what can be both is a server, and a broker where one is asked for. */
export function isBrokerAddress(text: string): boolean {
  const [, scheme = ""] = /^([a-z0-9+]+):/.exec(text) ?? [];
  return !servers.has(scheme) && Object.hasOwn(rows, scheme);
}

function unknownBroker(text: string): TrunklineError {
  const examples = [...new Set(Object.values(rows).map(({ example }) => example))];
  return systemError("INVALID_ARGUMENT", `"${conceal(text)}" names no broker`, {
    executed: "no",
    advice: `write one of ${examples.join(" · ")}`,
  });
}

interface Shared {
  readonly broker: Promise<Broker>;
  users: number;
}

const shared = new WeakMap<Env, Map<string, Shared>>();

/** A broker for as long as it is needed. */
export interface TakenBroker {
  readonly open: () => Promise<Broker>;
  /** Gives it back. What was named by an address closes with its last user; what was given open is its owner's to close. */
  readonly release: () => Promise<void>;
}

/** The broker that is meant: all of a process that name the same address, under the same name of their own, share one connection. */
export function takeBroker(which: BrokerChoice, options: OpenOptions, env: Env): TakenBroker {
  if (typeof which === "object" && "publish" in which)
    return { open: () => Promise.resolve(which), release: () => Promise.resolve() };
  const text = typeof which === "string" ? which : which.address;
  if (typeof which === "object") {
    let opened: Promise<Broker> | undefined;
    const open = (): Promise<Broker> =>
      (opened ??= which.make.open(text, options, env).catch((error: unknown) => {
        opened = undefined;
        throw error;
      }));
    return { open, release: async () => (await opened)?.close() };
  }
  return sharedAt(text, options, env);
}

function sharedAt(text: string, options: OpenOptions, env: Env): TakenBroker {
  let known = shared.get(env);
  if (known === undefined) shared.set(env, (known = new Map()));
  const byName = known;
  const name = `${options.name}\n${text}`;
  let own: Shared | undefined;
  const open = (): Promise<Broker> => {
    if (own !== undefined) return own.broker;
    const mine: Shared = byName.get(name) ?? { broker: openBroker(text, options, env), users: 0 };
    byName.set(name, mine);
    mine.users++;
    own = mine;
    mine.broker.catch(() => {
      if (byName.get(name) === mine) byName.delete(name);
      if (own === mine) own = undefined;
    });
    return mine.broker;
  };
  const release = async (): Promise<void> => {
    const mine = own;
    own = undefined;
    if (mine === undefined || --mine.users > 0) return;
    if (byName.get(name) === mine) byName.delete(name);
    await mine.broker.then(
      (broker) => broker.close(),
      () => undefined,
    );
  };
  return { open, release };
}
