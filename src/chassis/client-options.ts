import { milliseconds, type Duration } from "../base/duration.ts";
import type { Env } from "../base/env.ts";
import type { Interceptor } from "../base/handler.ts";
import type { Authorize } from "../call/authorization.ts";
import type { Service } from "../call/serve.ts";
import type { Format } from "../codec/format.ts";
import type { Balancer, Candidate } from "../discovery/balancing/balancer.ts";
import type { Discovery, Locality } from "../discovery/discovery.ts";
import type { Binding } from "../messaging/channels.ts";
import type { ResilienceOptions } from "../pipeline/terms.ts";
import type { ProtocolFactory } from "../protocol/protocol-factory.ts";
import type { ConnectOptions } from "../protocol/protocol.ts";
import type { Evidence } from "../resilience/evidence.ts";
import type { BrokerChoice } from "./broker-at.ts";
import type { Transport } from "../transport/transport.ts";

/** How operations are called, whoever serves them. */
export interface CallbackOptions {
  /** How long a call may take when neither it nor its operation says otherwise. Default 10 s: no call waits for ever. */
  readonly deadline?: Duration;
  /** Around each call: the outermost first. Default none. */
  readonly aroundCall?: readonly Interceptor[];
  /** Around each try of a call, inside `aroundCall`; where items are sent, around the whole: they can be read once. Default none. */
  readonly aroundAttempt?: readonly Interceptor[];
  /** Checks what is sent against the contract too. Default: yes, unless `NODE_ENV` is `production`. */
  readonly checkSent?: boolean;
  /** Time and randomness. Default: the machine's. */
  readonly env?: Env;
}

export interface ClientOptions extends CallbackOptions, ResilienceOptions {
  /** The longest that a call waits for a connection; its deadline may end it sooner. Default 2 s: a restart takes less. */
  readonly connectWait?: Duration;
  /** Calls and streams under way on this address, past which further ones are refused. Default 4,096. */
  readonly outstandingMax?: number;
  /** The largest input or item in bytes, each way. Default 4 MiB. */
  readonly itemBytesMax?: number;
  /**
   * How old a connection may become, a tenth more or less by chance; then a younger one takes over, and no call notices. So
   * load comes to servers that were added. Default 30 minutes; none where the client serves too, and where there can be only
   * one connection. Leave it alone but where load must spread faster.
   */
  readonly maxAge?: Duration;
  /** How often a sign of life is asked for on a quiet connection. Default 5 s. */
  readonly keepalive?: Duration;
  /** A peer from which nothing came for this long is dead. Default 15 s: three signs of life missed. */
  readonly lifetime?: Duration;
  /**
   * How requests are described: `compact` is Trunkline's own form, `composite` the standard's, for servers that are not
   * Trunkline. Default `compact`, and `composite` where that is refused. Say `composite` for a foreign server that
   * accepts everybody without looking: most do.
   */
  readonly metadata?: ConnectOptions["metadata"];
  /** Names this process to the server, for its eyes only. Default `anonymous`. */
  readonly instance?: string;
  /**
   * What the server may call back, over the connection that this client makes: it is then this client's alone. The server
   * can only do so while there is one, which begins with the first call. Default: nothing.
   */
  readonly serve?: readonly Service[];
  /** Around each handler of `serve`: the outermost first. Default none. */
  readonly aroundHandler?: readonly Interceptor[];
  /** Whether the server may use an operation of `serve`. Default: everything that is served. */
  readonly authorize?: Authorize;
  /** Calls back under way, past which further ones are refused. Default 4,096. */
  readonly inFlightMax?: number;
  /**
   * Whether connections of `tcp:` and `tls:` between processes of one user on this host leave TCP, for a Unix socket and shared memory: `auto`,
   * the default, where both sides can; `off`, never. Transports that are given have their own option. Leave it alone, but to see on the wire
   * what is said.
   */
  readonly sameHost?: "auto" | "off";
  /** Further transports; one with the name of a built-in one takes its place. Default none. */
  readonly transports?: readonly Transport[];
  /** Protocols with options of yours, `rest({ … })`; each takes the place of the one of its name. Default none. */
  readonly protocols?: readonly ProtocolFactory[];
  /**
   * How values are written: `msgpack()`, `cbor()`, … A server that does not speak it is sent JSON, where the protocol can
   * tell. Default JSON.
   */
  readonly format?: Format;
  /** The swim lane of calls that come from no call that is being served. Default `main`. */
  readonly lane?: string;
  /**
   * Where instances are found, for addresses `service:NAME`: an address (`etcd://…`) or a discovery. Default: what
   * `TRUNKLINE_DISCOVERY` says, else the directory of this host.
   */
  readonly discovery?: string | Discovery;
  /** Calls of a lane that no instance is in go to the main lane. Default false: lanes are kept apart. */
  readonly laneSpill?: boolean;
  /** A file in which the instances are kept that worked, for when the registry does not answer at a start. Default: none. */
  readonly lastGood?: string;
  /** Chooses among instances that are equally near: `leastRequest`, `ringHash`… Default `p2c`. */
  readonly balance?: <C extends Candidate>() => Balancer<C>;
  /**
   * The registry by which processes tell each other which endpoints fail: `registry+tcp://…`; or what was made of one, which is
   * then its owner's to close. Default: that of `discovery`, where it is one.
   */
  readonly evidence?: string | Evidence;
  /**
   * Where the messages of the contract go: the address of a broker, a make with options of yours, or a broker that is open. Default:
   * nowhere, they are refused; or by the same broker as calls, where the client's address is one.
   */
  readonly messages?: BrokerChoice;
  /** How the channels of messages are laid out, each made by `bind(operation, terms)`. Default: as the contract says. */
  readonly bindings?: readonly Binding[];
  /** Where this process is: nearer instances are asked first. Default: only the same host is known to be near. */
  readonly locality?: Locality;
}

/** What of it concerns each connection. */
export function connectOptions(options: ClientOptions): ConnectOptions {
  const { connectWait, maxAge, outstandingMax, inFlightMax, itemBytesMax } = options;
  const { keepalive, lifetime, instance, metadata, format } = options;
  return {
    ...(connectWait === undefined ? {} : { connectWaitMs: milliseconds(connectWait) }),
    ...(maxAge === undefined ? {} : { maxAgeMs: milliseconds(maxAge) }),
    ...(outstandingMax === undefined ? {} : { outstandingMax }),
    ...(inFlightMax === undefined ? {} : { inFlightMax }),
    ...(itemBytesMax === undefined ? {} : { itemBytesMax }),
    ...(keepalive === undefined ? {} : { keepaliveMs: milliseconds(keepalive) }),
    ...(lifetime === undefined ? {} : { lifetimeMs: milliseconds(lifetime) }),
    ...(instance === undefined ? {} : { instance }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(format === undefined ? {} : { format }),
  };
}
