import type { Env } from "../base/env.ts";
import type { Interceptor } from "../base/handler.ts";
import type { Authorize } from "../call/authorization.ts";
import type { AdmissionOptions } from "../call/load/admission-options.ts";
import type { KeyStoreFactory } from "../call/keys/memory-keys.ts";
import type { Binding } from "../messaging/channels.ts";
import type { InboxOptions } from "../messaging/inbox/retention.ts";
import type { RelayOptions } from "../messaging/outbox/relay-terms.ts";
import type { Format } from "../codec/format.ts";
import type { Mount, ProtocolFactory } from "../protocol/protocol-factory.ts";
import type { Store } from "../store/store.ts";
import type { Transport } from "../transport/transport.ts";
import type { StopBudgets } from "./ending.ts";
import type { BrokerChoice } from "./broker-at.ts";
import type { Served } from "./messages.ts";
import type { RegistrationOptions } from "./registration.ts";
import type { SignalOptions } from "./signals.ts";

export interface ChassisOptions {
  /** Names the process to people and peers. */
  readonly name: string;
  /**
   * Where to listen: one address or several. At the address of a broker (`amqp://host`) calls and notifications are taken from queues
   * there, for clients of the same address. Default: nowhere.
   */
  readonly listen?: string | readonly string[];
  /**
   * Registers itself, so that `service:` addresses lead here: when it is ready, until it drains. `true` is all the defaults.
   * Default false: nobody finds it who does not know its address.
   */
  readonly register?: boolean | RegistrationOptions;
  /** Lets addresses be that other hosts can reach without TLS. Default false: they are refused at the start. */
  readonly insecure?: boolean;
  /**
   * What is served, each made by `serve(contract, handlers)` or `serveOlder(…)`, several versions side by side; and what is consumed,
   * each made by `on(operation, terms, handler)`. Default: nothing.
   */
  readonly serve?: readonly Served[];
  /**
   * Where messages go, and come from: the address of a broker (`amqp://host`, `kafka://host:9092`, `memory:NAME` in this process), a
   * make with options of yours, or a broker that is open, which is then its owner's to close. Default: nowhere; contracts with
   * messages are then refused.
   */
  readonly messages?: BrokerChoice;
  /**
   * The databases whose outboxes this process publishes from, beside those that are given to `serve` and `on`: what was published in
   * their transactions goes to `messages`. They are their owner's to close. Default: those given there.
   */
  readonly store?: Store | readonly Store[];
  /** How it publishes from them. `false`: it does not, another process does. Default: all the defaults. */
  readonly relay?: RelayOptions | false;
  /** How long what was processed in transactions of stores is remembered. Default 7 days. */
  readonly inbox?: InboxOptions;
  /** How the channels of messages are laid out, each made by `bind(operation, terms)`. Default: as their contracts say. */
  readonly bindings?: readonly Binding[];
  /**
   * Says who may use what, given `context.peer` and the operation: `true` lets a request in, `false` refuses it with
   * PERMISSION_DENIED, `executed: "no"`. Asked for every request, reflection and health among them, before its input is
   * looked at. Failing, and any other answer, refuses too: an incident, INTERNAL. A promise is waited for, and counts as a
   * request under way; what it calls inherits the deadline. Default: whoever can connect may use everything.
   */
  readonly authorize?: Authorize;
  /** Around each handler: the outermost first. Default none. */
  readonly aroundHandler?: readonly Interceptor[];
  /** The phases of stopping and the longest each may take. */
  readonly stop?: StopBudgets;
  /**
   * `true`: SIGTERM and SIGINT stop the process in order, a second one at once; an object names others beside them that drain it without
   * hurry, and that have it read certificates and settings again. Default true.
   */
  readonly signals?: boolean | SignalOptions;
  /** What `app.reload()` and its signal do beside reading certificates again, for settings of yours. A failure is theirs to tell. Default nothing. */
  readonly reload?: () => void | Promise<void>;
  /**
   * What the process takes on at once, over all connections: at most so much as it can do in time, by what handlers take and how late
   * the event loop is. What is too much waits for a moment, or is refused with RESOURCE_EXHAUSTED, `executed: "no"`, and a
   * time after which to come again. Health and reflection are never refused so. `false`: everything is taken on. Default: on,
   * with bounds that a healthy server does not feel.
   */
  readonly admission?: AdmissionOptions | false;
  /**
   * What is remembered of calls that are idempotent by key: one with a key that was seen is not done again, it gets the answer
   * of the first. Give a store that the replicas share, `storeKeys(db)`, if they are to know each other's keys; `false`: your handlers
   * see to it. A service with a store keeps its keys there, whatever is said here, and its calls run in the transaction that does.
   * Default `memoryKeys()`: what this process has seen, 100,000 keys for 10 minutes.
   */
  readonly keys?: KeyStoreFactory | false;
  /** Requests under way on one connection, past which further ones are refused. Default 4,096. */
  readonly inFlightMax?: number;
  /** The largest input or item in bytes, each way. Default 4 MiB. */
  readonly itemBytesMax?: number;
  /**
   * Open connections on each address, past which new ones are refused with RESOURCE_EXHAUSTED and a time after which to come
   * again, until a twentieth of them has gone; past twice as many they are closed at once. Default 10,000.
   */
  readonly connectionsMax?: number;
  /** Checks what handlers send against the contract too. Default: yes, unless `NODE_ENV` is `production`. */
  readonly checkSent?: boolean;
  /**
   * Describes itself and its figures to whoever can reach it, on all addresses. Default: only where none but the same
   * host comes (`unix:`, `memory:`, `worker:`, `stdio:`).
   */
  readonly reflection?: boolean;
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
  /** What peers may write values as beside JSON: `[msgpack(), xml()]`. Default JSON alone. */
  readonly formats?: readonly Format[];
  /** Places in servers of somebody else where it is served too: `restMount()`. Default none. */
  readonly mounts?: readonly Mount[];
  /** Time and randomness. Default: the machine's. */
  readonly env?: Env;
}
