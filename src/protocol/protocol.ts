import type { Kind } from "../base/handler.ts";
import type { Env } from "../base/env.ts";
import type { Format } from "../codec/format.ts";
import type { TrunklineError } from "../base/error.ts";
import type { Address } from "../transport/address.ts";
import type { Attempt } from "./attempt.ts";
import type { Incoming } from "./incoming.ts";
import type { Operation } from "./operation.ts";
import type { Completion } from "./completion.ts";
import type { Retirement } from "./retirement.ts";

/** What a protocol can carry. Its suite tests each promise, and each refusal. */
export interface ProtocolCapabilities {
  readonly kinds: readonly Kind[];
  /** The caller's deadline reaches the handler. */
  readonly deadline: boolean;
  /** Cancelling reaches the handler. */
  readonly cancel: boolean;
  /** A slow reader of a stream slows its producer down, end to end. */
  readonly credit: boolean;
  /**
   * How far the producer may be ahead then: `items`: 1,024 items, and 1 MiB; `bytes`: by what waits on both sides and what the
   * connection itself holds, a few MiB.
   */
  readonly ahead: "items" | "bytes";
  /**
   * All requests to an endpoint share one connection: they begin in the order in which they were made, and what bounds a
   * connection bounds all of them. Without it only those of one ordered operation keep their order.
   */
  readonly shared: boolean;
  /** A handler does not begin before all of a request has come: what was given up, or lost, on its way out did not run. */
  readonly whole: boolean;
  /** Each side hears how much the other one takes: what would be refused is not sent. */
  readonly bounds: boolean;
  /** A request says how its payloads are written; without it both sides go by the contract alone. */
  readonly described: boolean;
  /** The answer says whether the handler ran; without it every failure after sending is `maybe`. */
  readonly executed: boolean;
  readonly headers: boolean;
  /** Both ends may ask: who is called can call back over the same connection. */
  readonly callback: boolean;
  /** Requests of an operation with a key keep their order on the way. Default true. */
  readonly ordered?: boolean;
}

/** Carries calls and streams between processes. It knows no policy and no registry. */
export interface Protocol {
  /** The name in addresses, for example `rsocket`. */
  readonly name: string;
  readonly capabilities: ProtocolCapabilities;
  /** True for an operation that is not to be served there: its options, or the address, say so. Absent: they cannot. */
  leavesOut?(operation: Operation, address: Address): boolean;
  /** A caller of one endpoint. Nothing is sent before the first call. */
  connect(address: Address, options: ConnectOptions, env: Env): Caller;
  /** Serves what the dispatcher finds; rejects with a typed error when it cannot listen. */
  serve(address: Address, dispatcher: Dispatcher, options: ServeOptions, env: Env): Promise<Server>;
}

export interface ConnectOptions {
  /**
   * How requests are described: `compact` is Trunkline's own form, `composite` the standard's for peers that are not
   * Trunkline. Default `compact`; where a server refuses that, the caller turns to `composite` by itself.
   */
  readonly metadata?: "compact" | "composite";
  /** How values are written, where the other side speaks it too; else JSON. Default JSON. */
  readonly format?: Format;
  /** Names this process to the other side, for its eyes only. Default `anonymous`. */
  readonly instance?: string;
  /** The longest that a call waits for a connection, in milliseconds; its deadline may end it sooner. Default 2,000. */
  readonly connectWaitMs?: number;
  /**
   * There are other endpoints to go to: who waits for a connection is refused with the first dial that fails, and while the
   * caller backs off, instead of waiting for the next dial. Default false.
   */
  readonly failFast?: boolean;
  /** Calls and streams under way on this endpoint, past which further ones are refused. Default 4,096. */
  readonly outstandingMax?: number;
  /** The largest input or item in bytes, each way. Default 4 MiB. */
  readonly itemBytesMax?: number;
  /**
   * How old a connection may become, in milliseconds, up to a tenth more or less by chance: then another one takes new
   * requests, and the old one ends with those it has. So load spreads to servers and addresses that came later. Infinity:
   * no bound. Default 30 minutes; Infinity where the client serves too, for who calls it back holds its connection, and
   * where there can be only one.
   */
  readonly maxAgeMs?: number;
  /** How often a sign of life is asked for, in milliseconds. Default 5,000. */
  readonly keepaliveMs?: number;
  /** A peer from which nothing came for this long is dead, in milliseconds. Default 15,000. */
  readonly lifetimeMs?: number;
  /** What the other side may ask of us over the same connection. Default: nothing. */
  readonly dispatcher?: Dispatcher;
  /** Requests of the other side under way, past which further ones are refused. Default 4,096. */
  readonly inFlightMax?: number;
}

export type CallerState = "idle" | "connecting" | "ready" | "waiting" | "closed";

/** What carries a connection. */
export interface ConnectionWay {
  /** The name of the transport, or what it has moved to on this host: `unix`, `shm`. */
  readonly name: string;
  /** It is about to move on. */
  readonly moving: boolean;
  /** Why it has not moved, though it was to. */
  readonly stayed: string | undefined;
}

/** One endpoint, dialled when needed and again when lost; calls share its connection. */
export interface Caller {
  readonly endpoint: string;
  readonly state: CallerState;
  /** Requests that wait for a connection. */
  readonly waiting: number;
  /**
   * The boot id of the process at the other end, as it said itself; undefined where it has not, or cannot, or there is no
   * connection. To whom an attempt went says its `reachedBoot`.
   */
  readonly bootId?: string | undefined;
  /** By what the connection to it goes; undefined where there is none, or the protocol does not tell. */
  readonly way?: ConnectionWay | undefined;
  /** Resolves with the decoded output; rejects with a TrunklineError whose `executed` is true to what happened. */
  call(operation: Operation, input: unknown, attempt: Attempt): Promise<unknown>;
  /**
   * The same for who can be told at once: it spares a promise, and the turns until that has settled. Never throws. Absent: by `call`
   * alone.
   */
  ask?(operation: Operation, input: unknown, attempt: Attempt, completion: Completion): void;
  /**
   * Items as they come, with credit; a failure rejects `next`, after the items that came before it. Throws what can be
   * told before anything is sent.
   */
  stream(
    operation: Operation,
    input: unknown,
    attempt: Attempt,
    options: StreamOptions,
  ): AsyncIterableIterator<unknown>;
  /** Sends `head`, then the items of `source`; settles with the one answer, as `call` does. */
  upload(
    operation: Operation,
    head: unknown,
    source: Source,
    attempt: Attempt,
    options: UploadOptions,
  ): Promise<unknown>;
  /** Sends `head`, then the items of `source`, while items come back as they do in `stream`. */
  duplex(
    operation: Operation,
    head: unknown,
    source: Source,
    attempt: Attempt,
    options: StreamOptions,
  ): AsyncIterableIterator<unknown>;
  /** Resolves when the notification was handed to the connection: nothing more is known of it. */
  notify(operation: Operation, input: unknown, attempt: Attempt): Promise<void>;
  /** Takes no new calls, lets those under way end within `withinMs` (default: at once), then closes. */
  close(withinMs?: number): Promise<void>;
}

export interface UploadOptions {
  /** The longest time without a sign of the peer while it is waited for, in milliseconds; Infinity for no bound. */
  readonly idleMs: number;
}

export interface StreamOptions {
  /** The longest time without an item while one is asked for, in milliseconds; Infinity for no bound. */
  readonly idleMs: number;
  /** Turns an item as it came into the item as the reader gets it; throws, or rejects, when it is not valid. */
  readonly accept: (item: unknown) => unknown;
  /** Called once, at the end: with the failure, which it may exchange for another, or with nothing. */
  readonly settled: (
    failure: TrunklineError | undefined,
  ) => TrunklineError | Promise<TrunklineError> | undefined;
}

/**
 * Gives the items of an upload or duplex. Called once, when the peer has accepted the request, or before it is sent where the
 * first item is to go with it (foreign peers, no head); resolves when there are no more, or the sink is closed. Rejecting gives the request up: the peer is told to stop, and it fails with what was thrown.
 */
export type Source = (sink: Sink) => Promise<void>;

/** Finds what a request asks for. Asked once per operation and connection, not per request. */
export interface Dispatcher {
  /** Without `major`: in the highest version that serves it. */
  find(contract: string, major: number | undefined, member: string): ServedOperation | undefined;
  /** Everything there is to find: all versions, in the order in which they were given. */
  list(): readonly ServedOperation[];
}

/** An operation with its handler, validation and context wrapped around it. */
export interface ServedOperation {
  readonly operation: Operation;
  /** When this version is to be used no more; undefined where nobody has said so. Protocols that can, tell it with each answer. */
  readonly retirement?: Retirement | undefined;
  /**
   * Runs a call or notification. Gives the output at once where nothing had to be waited for, else a promise of it. Every failure
   * rejects, with a TrunklineError whose `executed` is final.
   */
  handle(input: unknown, incoming: Incoming): unknown;
  /** Runs a stream: puts each item into the sink as the sink asks for it. Rejects like `handle`. */
  stream(input: unknown, incoming: Incoming, sink: Sink): Promise<void>;
  /** Runs an upload; resolves with the output, rejects like `handle`. What the handler did not read of `items` is dropped. */
  upload(head: unknown, items: ItemSource, incoming: Incoming): Promise<unknown>;
  /** Runs a duplex; settles like `stream`. */
  duplex(head: unknown, items: ItemSource, incoming: Incoming, sink: Sink): Promise<void>;
  /** Reports an exception that nobody expected, and makes the error that the caller may see of it. */
  incident(exception: unknown): TrunklineError;
  /** Hears of requests that the protocol refused before they got here. */
  refused?(code: string): void;
}

/** The items that a caller sends beside its request. */
export interface ItemSource {
  /**
   * Lets the caller begin to send: from here on its request is accepted. To be called once. `accept` turns each item as it
   * came into the item as the reader gets it; throws, or rejects, when it is not valid: then that is what the reader is told,
   * and no further item comes. The iterator rejects with CANCELLED when the caller stopped before its items were complete.
   */
  open(accept: (item: unknown) => unknown): AsyncIterableIterator<unknown>;
}

/** Where items go, as fast as the reader takes them. */
export interface Sink {
  /** Nobody takes items any more: what is put in is dropped. */
  readonly closed: boolean;
  /** True when one more item may be put in now. */
  readonly ready: boolean;
  /** Resolves when `ready` or `closed` has become true; look again, others wait for the same room. */
  whenReady(): Promise<void>;
  /** Throws when the item cannot be written, with the TrunklineError that the stream is to fail with. */
  put(item: unknown): void;
}

export interface ServeOptions {
  readonly instance?: string;
  /** What is spoken beside JSON. Default nothing. */
  readonly formats?: readonly Format[];
  /** Tells one life of the process from the next. Default: random. */
  readonly bootId?: string;
  /** Requests under way on one connection, past which further ones are refused. Default 4,096. */
  readonly inFlightMax?: number;
  /** Calls back under way on one connection, past which further ones are refused. Default 4,096. */
  readonly outstandingMax?: number;
  /** The largest input or item in bytes, each way. Default 4 MiB. */
  readonly itemBytesMax?: number;
  /**
   * Open connections past which new ones are refused with RESOURCE_EXHAUSTED and a time after which to come again, until a twentieth
   * of them has gone; past twice as many they are closed at once. Default 10,000.
   */
  readonly connectionsMax?: number;
  /** How many more requests the process could begin now, for peers that want to know (leases of RSocket). Default: what `inFlightMax` leaves. */
  readonly room?: () => number;
  /** A peer that has not introduced itself after this long is cut off, in milliseconds. Default 5,000. */
  readonly setupMs?: number;
}

/** What became of the datagrams that came to an address, since it was listened on. */
export interface DatagramCounts {
  /** All that were heard of. */
  readonly received: number;
  /** Those whose handler has ended, however it did. */
  readonly handled: number;
  /** Not begun: nobody serves it, too many were under way, or its input could not be read. */
  readonly refused: number;
  /** Not begun: the deadline was over when it came. */
  readonly expired: number;
  /** What is none of ours, or broken. */
  readonly malformed: number;
  /** Not begun again: it came twice, or so late that nobody could tell. */
  readonly doubled: number;
  /**
   * Known by the gaps in what senders count: lost, still on their way, or refused to their sender after they had a number. What a sender
   * lost last, or first, nobody sees.
   */
  readonly missing: number;
  /** Thrown away by the system before they were heard of; undefined where it does not count them. */
  readonly dropped: number | undefined;
}

export interface Server {
  /** Where it listens in truth. */
  readonly address: Address;
  /** Requests under way on all connections. */
  readonly inFlight: number;
  readonly connections: number;
  /** What became of datagrams; undefined where there are none. */
  readonly datagrams?: DatagramCounts | undefined;
  /** How many connections each way carries at the moment: `tcp`, `unix`, `shm`. Undefined where they do not move. */
  readonly ways?: Readonly<Record<string, number>> | undefined;
  /** Open connections that were to move to a faster way, and stay where they are. */
  readonly stayed?: number | undefined;
  /** Resolves when nobody can come any more though it was not drained: its transport has one connection, which is closed. */
  readonly deserted: Promise<void>;
  /**
   * Stops accepting, tells every peer, refuses new requests and lets those under way end. Resolves with how many were
   * still under way when `withinMs` was over; those are cancelled and their connections cut.
   */
  drain(withinMs: number): Promise<number>;
}
