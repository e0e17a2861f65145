import type { Socket } from "node:net";

import type { Env } from "../base/env.ts";
import type { Peer } from "../base/peer.ts";
import type { Address } from "./address.ts";

/** What a transport promises. Its suite tests each promise, and each refusal. */
export interface TransportCapabilities {
  /** Frames arrive in the order in which they were committed. */
  readonly ordered: boolean;
  /** While a connection is open no frame is lost or doubled. */
  readonly reliable: boolean;
  /** The largest frame in bytes; a larger claim is refused with RESOURCE_EXHAUSTED. */
  readonly frameBytesMax: number;
  /** Joins processes, or only parts of one. */
  readonly crossProcess: boolean;
  /** Joins hosts. */
  readonly crossHost: boolean;
  /** The death of the peer's process is noticed at once, not only by keep-alive. */
  readonly noticesDeath: boolean;
  /**
   * `one`: a listener accepts one connection, and then its address is used up; to dial is to start it. `none`: there are no
   * connections, only `datagrams`: to dial or to listen is refused with UNIMPLEMENTED. Default `many`.
   */
  readonly connections?: "one" | "many" | "none";
  /** Of datagrams: each one reaches everybody who receives at its address, and any number may. Default false. */
  readonly broadcast?: boolean;
  /** Of datagrams: the system tells who has sent each, and what strangers send is not heard: `peer.uid`, `gid`, `pid`. Default false. */
  readonly tellsSenders?: boolean;
}

/** Moves whole frames between two endpoints, in order. It knows neither operations nor messages. */
export interface Transport {
  /** The name in addresses, for example `unix`. */
  readonly name: string;
  readonly capabilities: TransportCapabilities;
  /** Connects, or rejects with UNAVAILABLE (nobody there) or another typed error, `executed: "no"`. */
  dial(address: Address, options: DialOptions, env: Env): Promise<Connection>;
  /**
   * Accepts connections until the listener is closed; rejects with a typed error when it cannot.
   * `accept` is called for each new connection; frames flow from the moment it calls `open`.
   */
  listen(
    address: Address,
    accept: (connection: Connection) => void,
    options: ListenOptions,
    env: Env,
  ): Promise<Listener>;
  /** The sockets below, for protocols that bring their own frames (HTTP). Absent where there are none. */
  readonly sockets?: Sockets;
  /** Single datagrams, for protocols that need no answer. Present where there are no connections. */
  readonly datagrams?: Datagrams;
  /** Reads again what it has of files, for what is opened from now on. Throws when it cannot be used, and leaves all as it was. */
  reload?(): void;
}

/**
 * Moves single datagrams, one way and without connections: each arrives whole or not at all, and nobody answers. Whether one can be
 * lost, or overtaken, the capabilities say: `reliable` while both ends live, `ordered` for those of one sender. With `noticesDeath`,
 * sending to where nobody receives is refused.
 */
export interface Datagrams {
  /** Makes ready to send to an address. Rejects with a typed error, `executed: "no"`, where that can never be. */
  sender(address: Address, options: DatagramOptions, env: Env): Promise<DatagramSender>;
  /** Receives what is sent to an address until it is closed; rejects with a typed error when it cannot. */
  receive(
    address: Address,
    hear: HearDatagram,
    options: DatagramOptions,
    env: Env,
  ): Promise<DatagramReceiver>;
}

export interface DatagramOptions {
  /** The largest datagram that is sent or received. Default: the largest that there can be at the address. */
  readonly datagramBytesMax?: number;
  /** Datagrams that wait to be sent, past which further ones are refused with RESOURCE_EXHAUSTED. Default 1,024. */
  readonly waitingMax?: number;
}

/** Where datagrams to one address are handed over. */
export interface DatagramSender {
  /** Who receives, as far as that can be told. */
  readonly peer: Peer;
  /** The largest datagram in bytes: that of the options, of the medium and of the system, whichever is least. */
  readonly bytesMax: number;
  /** Every datagram has as many bytes as the largest: a signal carries a number, or nothing. Default false. */
  readonly exact?: boolean;
  /** Datagrams that wait for room. */
  readonly waiting: number;
  /**
   * Hands a datagram to the system, in the order of the calls; resolves when it has been taken, which is all that is known of it. While
   * there is no room it waits, until the instant `until` of `env.now()`. `datagram` must not change before that. Rejects, always with
   * `executed: "no"`: RESOURCE_EXHAUSTED when it is too large, too many wait, or there was no room in time; UNAVAILABLE when
   * nobody receives there, where the system tells (`noticesDeath`), and after `close`.
   */
  send(datagram: Uint8Array, until: number): Promise<void>;
  /** Lets go of everything; what waits is rejected. Idempotent. */
  close(): void;
}

/**
 * Takes one datagram: bytes `from` to `to` of `memory`, which is borrowed for the time of this call. Never called before `receive` has
 * resolved, nor after `close` has. It must not throw.
 */
export type HearDatagram = (memory: Buffer, from: number, to: number, peer: Peer) => void;

export interface DatagramReceiver {
  /** Where it receives in truth: the port that was bound, the path made absolute. */
  readonly address: Address;
  /** Datagrams that came and were thrown away by the system or the transport; undefined where nobody counts them. */
  readonly dropped?: number | undefined;
  /** Takes nothing for a while: datagrams wait in the system, and then their senders do. Absent where the system would lose them. */
  pause?(): void;
  resume?(): void;
  /** Takes no more; what had arrived before is heard first, where the system keeps it. Gives the address free. Idempotent. */
  close(): Promise<void>;
}

/** Opens and accepts sockets, with the same care for names, certificates, files and peers as the frames above them. */
export interface Sockets {
  /** Like `dial`: a socket that is connected, and over TLS the server has shown who it is. */
  dial(address: Address, options: SocketDialOptions, env: Env): Promise<OpenSocket>;
  /** Like `listen`. */
  listen(
    address: Address,
    accept: (accepted: OpenSocket) => void,
    options: SocketListenOptions,
    env: Env,
  ): Promise<Listener>;
}

export interface SocketDialOptions {
  /** The instant of `env.now()` at which dialling is given up with UNAVAILABLE. */
  readonly until: number;
  /** The protocols that are offered over TLS (ALPN), the best first. */
  readonly alpn: readonly string[];
}

export interface SocketListenOptions {
  /** Open sockets past which new ones are closed at once. Default 10,000. */
  readonly connectionsMax?: number;
  /** The protocols that are taken over TLS (ALPN), the best first. */
  readonly alpn: readonly string[];
}

export interface OpenSocket {
  /**
   * Paused: nothing was read from it, or written. It may be half open (`allowHalfOpen`): who takes it ends it too, and listens to
   * its errors from this turn on. The peer may have ended already.
   */
  readonly socket: Socket;
  readonly peer: Peer;
  /** What both sides have agreed on over TLS; undefined where nothing was agreed on. */
  readonly alpn: string | undefined;
}

export interface ConnectionOptions {
  /** The largest frame that is sent or accepted. Default: the capability. A larger one from the peer closes the connection. */
  readonly frameBytesMax?: number;
  /** Bytes waiting to be sent from which on `writable` is false. Default 1 MiB. */
  readonly outgoingBytesHigh?: number;
  /** A claim with which more bytes than this would wait to be sent throws RESOURCE_EXHAUSTED. Default 64 MiB. */
  readonly outgoingBytesMax?: number;
}

export interface DialOptions extends ConnectionOptions {
  /** The instant of `env.now()` at which dialling is given up with UNAVAILABLE. */
  readonly until: number;
}

export interface ListenOptions extends ConnectionOptions {
  /** Open connections past which new ones are closed at once. Default 10,000. */
  readonly connectionsMax?: number;
}

export interface Listener {
  /** Where it listens in truth: the port that was bound, the path made absolute. */
  readonly address: Address;
  /** Stops accepting. Connections that are open stay open. Idempotent. */
  close(): Promise<void>;
}

/** One live association. Whole frames in order; no meaning. */
export interface Connection {
  readonly peer: Peer;
  /** Begins to receive. Called once; what arrived before is delivered then. */
  open(receiver: Receiver): void;
  /**
   * Makes room for one frame of at most `bytesMax` bytes and returns where in `outgoing` to write it.
   * A claim that is not committed is void with the next claim. No user code may run in between.
   * Throws RESOURCE_EXHAUSTED past a bound and UNAVAILABLE when the connection is closed, both `executed: "no"`.
   */
  claim(bytesMax: number): number;
  /** The memory of the last claim; it may be another one after each claim. */
  readonly outgoing: Buffer;
  /** The frame is what stands from the claim's offset to `end`. It leaves with this turn, or sooner when many wait. */
  commit(end: number): void;
  /**
   * The data of the next frame, which is written without any and takes at most `frameBytesMax`, is these bytes: the
   * peer has them by another way, and no user code may run before the frame is committed. False: the frame has to carry them itself.
   * Throws as `claim` does. Absent where no bytes can be lent.
   */
  lend?(bytes: Uint8Array, frameBytesMax: number): boolean;
  /** False while more than `outgoingBytesHigh` wait to be sent; `drain` tells when that is over. */
  readonly writable: boolean;
  /**
   * Delivers no further frame, not even of a batch that is just being delivered, and stops reading from the peer, which
   * makes the peer's connection unwritable in the end. The end, or the loss, of the connection may still be told.
   */
  pause(): void;
  /** Goes on; frames that were held back come in a later turn. */
  resume(): void;
  /** Sends what was committed, then says that nothing more will come. Frames of the peer still arrive. Idempotent. */
  end(): void;
  /**
   * Closes at once, in both directions; what was not sent, or not yet read by the peer, may be lost. `closed` is told in
   * a later turn. Idempotent.
   */
  destroy(reason: string): void;
  /** Present where the connection can move to a faster way while it is used. Whoever speaks over it introduces the two. */
  readonly moves?: Moves | undefined;
}

/**
 * How a connection moves to a faster way below the same frames, from TCP to a Unix socket and from that to shared memory: each side says what it can as a part
 * of its protocol's introduction, and the connections do the rest among themselves. Whatever fails leaves them where they were.
 */
export interface Moves {
  /**
   * What this side can: a text to be given to the peer's `heard`, which only a transport of the same kind understands. Asked for at most
   * once; undefined: nothing at the moment.
   */
  readonly offer: string | undefined;
  /** What the peer can; empty: nothing. Called at most once, after `open`; the side that dialled begins. */
  heard(offer: string): void;
  /** What carries the frames at the moment: the name of the transport, or `shm`. */
  readonly way: string;
  /** It is about to move: `way` or `stayed` will change. */
  readonly moving: boolean;
  /** Called whenever `way` or `stayed` has changed. It is set by whoever speaks over the connection. */
  onMoved: (() => void) | undefined;
  /** Why it does not move, when it was to and has not come to it; undefined: it has moved, or may still, or nobody wants it to. */
  readonly stayed?: string | undefined;
}

/**
 * What a connection tells its user. Never called before `open` has returned, nor after `closed`, nor from within a call
 * of the connection's methods; all of them may be called from here. When `frame` throws, the connection is
 * destroyed.
 */
export interface Receiver {
  /**
   * One frame: bytes `from` to `to` of `memory`, which is borrowed for the time of this call. One whose data was lent may be larger
   * than `frameBytesMax`, and its memory may be kept (`isKeepable`).
   */
  frame(memory: Buffer, from: number, to: number): void;
  /** The connection is writable again. */
  drain(): void;
  /**
   * The peer will send nothing more. We may still send. Where a transport cannot tell an end from a death
   * (`noticesDeath` is false), this is all that is heard of a death until something is sent.
   */
  ended(): void;
  /** The last word, exactly once: nothing is sent or received any more. */
  closed(reason: CloseReason): void;
}

export interface CloseReason {
  /** `done`: both sides had ended. `lost`: the peer or the path is gone. `broken`: the peer broke the rules. `destroyed`: we did it. */
  readonly kind: "done" | "lost" | "broken" | "destroyed";
  /** For people: what happened. */
  readonly message: string;
}
