import type { Duration } from "../base/duration.ts";
import type { Env } from "../base/env.ts";
import type { OperationName } from "../base/handler.ts";
import type { Peer } from "../base/peer.ts";
import type { ChassisOptions } from "../chassis/chassis.ts";
import type { ClientOptions } from "../chassis/client-options.ts";
import type { Format } from "../codec/format.ts";
import type { AnyContract } from "../contract/contract.ts";
import type { RestBinding } from "../protocol/rest/binding/bind-rest.ts";
import type { Transport } from "../transport/transport.ts";
import type { HeaderRules } from "./policy/header-rules.ts";

export interface GatewayOptions extends Partial<GatewaySettings> {
  /** Where to listen, in any protocol: `http://127.0.0.1:8080`, `grpc://127.0.0.1:9090`, `unix:./run/gateway.sock`. */
  readonly listen: string | readonly string[];
  /** The contracts whose operations go through it. Default none: then it hands on plain HTTP alone. */
  readonly contracts?: readonly AnyContract[];
  /** What goes where: the first that matches decides. What none matches is refused. */
  readonly routes: readonly RouteOptions[];
}

/** What concerns the process, and does not change while it runs. */
export interface GatewaySettings {
  /** Names the process to people and peers. Default `gateway`. */
  readonly name: string;
  /** Lets addresses be that other hosts can reach without TLS. Default false. */
  readonly insecure: boolean;
  /** How contracts stand on HTTP where the convention does not suit, on both sides of the gateway. Default none. */
  readonly bindings: readonly RestBinding[];
  /** Says who may use which route. Default: whoever can connect may use everything. */
  readonly authorize: GatewayAuthorize;
  /** Of the clients by which operations go on: all that `client()` takes. Default: its defaults. */
  readonly upstream: ClientOptions;
  readonly stop: NonNullable<ChassisOptions["stop"]>;
  /** As of `chassis`: SIGTERM and SIGINT stop it in order. Default true. */
  readonly signals: NonNullable<ChassisOptions["signals"]>;
  /** As of `chassis`: what the signal to reload does beside reading certificates, and the file of `gatewayFromFile`, again. Default nothing. */
  readonly reload: NonNullable<ChassisOptions["reload"]>;
  /** Requests under way on one connection, past which further ones are refused. Default 4,096. */
  readonly inFlightMax: number;
  /** The largest input or item in bytes, each way. Default 4 MiB. */
  readonly itemBytesMax: number;
  /** Open connections on each address, past which new ones are closed at once. Default 10,000. */
  readonly connectionsMax: number;
  /**
   * How long a request by HTTP may take until all of its body has come; then 408, or its stream is reset. Give more where callers
   * send for longer. Default 5 min.
   */
  readonly requestWithin: Duration;
  /** Describes itself on all addresses. Default: where none but the same host comes. */
  readonly reflection: boolean;
  /** Further transports, `tls({ … })` above all; one with the name of a built-in one takes its place. Default none. */
  readonly transports: readonly Transport[];
  /** What peers may write values as beside JSON. Default JSON alone. */
  readonly formats: readonly Format[];
  /** Where the keys of calls that are idempotent by key are remembered. Default: here, as in a chassis. */
  readonly keys: NonNullable<ChassisOptions["keys"]>;
  /** Registers the gateway itself, as an instance of all its contracts. Not where it looks for them. Default: no. */
  readonly register: NonNullable<ChassisOptions["register"]>;
  /** Time and randomness. Default: the machine's. */
  readonly env: Env;
}

/** What `authorize` is asked about. */
export interface GatewayRequest {
  /** The name of the route. */
  readonly route: string;
  readonly peer: Peer;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Where an operation is asked for. */
  readonly operation?: OperationName;
  /** Where plain HTTP, or a composition, is asked for. */
  readonly method?: string;
  readonly path?: string;
  readonly host?: string | undefined;
}

/** Who may go on, and as whom. */
export interface Admitted {
  /** Names the caller for limits `by: "caller"`, stickiness and collapsing. */
  readonly caller?: string;
  /** Headers that say upstream who calls; they take the place of what the caller sent under these names. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * `false` refuses with PERMISSION_DENIED, `undefined` with UNAUTHENTICATED; both `executed: "no"`. What it throws, or rejects with, is
 * an incident, and refuses too.
 */
export type GatewayAuthorize = (
  request: GatewayRequest,
) => boolean | Admitted | undefined | PromiseLike<boolean | Admitted | undefined>;

/** One line of the table of what goes where. Plain data, the same in code and in a file. */
export interface RouteOptions {
  /** For messages, figures and `authorize`. Default `route 1`, `route 2`, … */
  readonly name?: string;
  readonly match: RouteMatch;
  /**
   * Where to. Of operations: any address, `service:orders`, `unix:…`, `grpc://…`; of paths: `http://…` or `https://…`, several
   * in a list, or `contracts`: the operations of the contracts by REST.
   */
  readonly to?: string | readonly (string | TargetOptions)[];
  /** Instead of `to`: answers a path with what several calls answer, as one object. */
  readonly compose?: Readonly<Record<string, PartOptions>>;
  /** With several targets: who comes with the same one goes to the same target. Default: each request is dealt anew. */
  readonly sticky?: KeyOptions;
  /** Copies of calls that are sent beside. Default none. */
  readonly mirror?: MirrorOptions;
  /**
   * Sends one call for all who ask the same at the same time. Only for calls that are `idempotent: true`. Who differs in one of
   * these headers, or as `authorize` names it, does not ask the same. `true`: `authorization` and `cookie`. Default false.
   */
  readonly collapse?: boolean | { readonly headers: readonly string[] };
  /** How much each may ask. Default: no limit. */
  readonly limit?: LimitOptions;
  /** What becomes of headers: of requests, and of the answers to paths. Default: they go on as they came. */
  readonly headers?: { readonly request?: HeaderRules; readonly response?: HeaderRules };
  /**
   * The longest that an answer may take to begin; the caller may have set less. Default: what its contract says, or 10 s; of plain
   * HTTP 30 s.
   */
  readonly deadline?: Duration;
  /** Whether what failed may be tried again here. Default true: what is safe is. */
  readonly retry?: boolean;
  /** The largest body of a request by a path, in bytes; 413 past it. Default: no bound, it flows through. */
  readonly bodyBytesMax?: number;
  /** What is taken off the front of a path before it goes on: `/api`. Default nothing. */
  readonly strip?: string;
}

/** All that is said must hold. */
export interface RouteMatch {
  /** `orders.get`, `orders.*`, `orders@2.*`, `*`; or several. */
  readonly operation?: string | readonly string[];
  /** `/orders/{id}`, `/static/**`. */
  readonly path?: string;
  /** `shop.example.com`, `*.example.com`; or several. With a path only. */
  readonly host?: string | readonly string[];
  /** `GET`, `POST`, …; with a path only. Default: any. */
  readonly methods?: readonly string[];
  /** By name in lower case: the value that it must have; `true`: any. */
  readonly headers?: Readonly<Record<string, string | true>>;
}

export interface TargetOptions {
  readonly address: string;
  /** Its part beside others. Default 1. */
  readonly weight?: number;
}

/** Whose requests belong together: those of one peer's host, one caller as `authorize` names it, one value of a header or cookie; or all. */
export type KeyOptions =
  | "peer"
  | "caller"
  | "all"
  | { readonly header: string }
  | { readonly cookie: string };

export interface LimitOptions {
  /** Default `peer`. */
  readonly by?: KeyOptions;
  /** Requests in a second, in the long run. */
  readonly perSecond: number;
  /** Requests at once, after a pause. Default: those of a second. */
  readonly burst?: number;
  /** Keys that are remembered at a time; then the one that was quiet the longest is forgotten. Default 10,000. */
  readonly keysMax?: number;
}

export interface MirrorOptions {
  /** Any address. */
  readonly to: string;
  /** The part of the requests that is copied, from 0 to 1. Default 1. */
  readonly share?: number;
  /** Copies under way, past which no more are made. Default 32. */
  readonly outstandingMax?: number;
  /** Copies in a second, past which no more are made. Default 100. */
  readonly perSecond?: number;
  /** Requests under way in the gateway, past which no copies are made. Default 256. */
  readonly busyAt?: number;
  /** Default 2 s. */
  readonly deadline?: Duration;
}

export interface PartOptions {
  /** `orders.get`. It must be a call. */
  readonly operation: string;
  /**
   * Its input. Texts that begin with `$` are taken from the request, `$path.id`, `$query.page:number`, `$header.tenant`, or from
   * other parts: `$parts.order.customerId`. Default none.
   */
  readonly input?: unknown;
  /** When it fails the answer has `null` in its place, and says so under `missing`. Default false: then all fails. */
  readonly optional?: boolean;
}
