import { deepEqual, equal, ok } from "node:assert/strict";

import type { Env } from "../../base/env.ts";
import { sleep } from "../../base/alarm.ts";
import { realEnv } from "../../base/real-env.ts";
import { parseAddress, type Address } from "../address.ts";
import { Mailbox } from "./mailbox.ts";
import { Recorder } from "./recorder.ts";
import type {
  Connection,
  ConnectionOptions,
  DatagramOptions,
  DatagramReceiver,
  DatagramSender,
  DialOptions,
  Listener,
  ListenOptions,
  OpenSocket,
  SocketDialOptions,
  SocketListenOptions,
  Transport,
} from "../transport.ts";

/** What is to be proven, made anew for each case. */
export interface TransportSubject {
  make(): Transport;
  /** An address that nobody uses; another one each time. */
  address(): string | Promise<string>;
  /** Default: the machine's clock. */
  env?(): Env;
  /** How many sockets and the like the process holds, where that can be told. After a case it must be as before. */
  handles?(): number;
}

/** How long a dial may take in a case, in milliseconds. */
const dialMs = 10_000;

/** How long a datagram that may be lost is waited for before it is sent again, in milliseconds. */
const againMs = 20;

/** How often it is sent at most. */
const tellsMax = 200;

/** Turns after which what has been closed must have let go of its handles. */
const closingTurnsMax = 100;

export interface Pair {
  readonly near: Recorder;
  readonly far: Recorder;
}

export interface Post {
  readonly mailbox: Mailbox;
  readonly receiver: DatagramReceiver;
  readonly sender: DatagramSender;
}

/** The surroundings of one case: it remembers what was opened, closes it, and looks that nothing stays. */
export class Stage {
  readonly transport: Transport;
  readonly env: Env;
  readonly address: Address;
  readonly #handles: () => number;
  readonly #handlesBefore: number;
  readonly #alarmsBefore: number;
  readonly #recorders: Recorder[] = [];
  readonly #listeners: Listener[] = [];
  /** Also those that have no recorder: somebody who only asks whether we listen connects too. */
  readonly #accepted: Connection[] = [];
  readonly #sockets: OpenSocket[] = [];
  readonly #senders: DatagramSender[] = [];
  readonly #receivers: DatagramReceiver[] = [];
  /** Where it is received in truth. */
  #receivedAt: Address | undefined;
  #accept: ((connection: Connection) => void) | undefined;

  /** Makes a stage for `play` and clears it away afterwards. */
  static async set(
    subject: TransportSubject,
    play: (stage: Stage) => Promise<void>,
  ): Promise<void> {
    const stage = new Stage(subject, parseAddress(await subject.address()));
    let played = false;
    try {
      await play(stage);
      played = true;
    } finally {
      // When the case has failed, its own error is the one to tell.
      await stage.#clear().catch((error: unknown) => {
        if (played) throw error;
      });
    }
  }

  private constructor(subject: TransportSubject, address: Address) {
    this.transport = subject.make();
    this.env = subject.env?.() ?? realEnv();
    this.address = address;
    this.#handles = () => subject.handles?.() ?? 0;
    this.#handlesBefore = this.#handles();
    this.#alarmsBefore = this.env.alarms;
  }

  async listen(
    accept: (connection: Connection) => void,
    options: ListenOptions = {},
  ): Promise<Listener> {
    const remember = (connection: Connection): void => {
      this.#accepted.push(connection);
      accept(connection);
    };
    const listener = await this.transport.listen(this.address, remember, options, this.env);
    this.#listeners.push(listener);
    return listener;
  }

  dial(options: Partial<DialOptions> = {}): Promise<Connection> {
    const until = this.env.now() + dialMs;
    return this.transport.dial(this.address, { until, ...options }, this.env);
  }

  /** As `listen`, for the sockets below. */
  async listenSockets(
    accept: (accepted: OpenSocket) => void,
    options: Partial<SocketListenOptions> = {},
  ): Promise<Listener> {
    const remember = (accepted: OpenSocket): void => {
      accept(this.#remembered(accepted));
    };
    const all = { alpn: [], ...options };
    const listener = await this.transport.sockets!.listen(this.address, remember, all, this.env);
    this.#listeners.push(listener);
    return listener;
  }

  async dialSocket(options: Partial<SocketDialOptions> = {}): Promise<OpenSocket> {
    const all = { until: this.env.now() + dialMs, alpn: [], ...options };
    return this.#remembered(await this.transport.sockets!.dial(this.address, all, this.env));
  }

  /** A recorder for a connection, not opened. */
  recorder(connection: Connection): Recorder {
    const recorder = new Recorder(connection);
    this.#recorders.push(recorder);
    return recorder;
  }

  /** Both ends of one connection, open: `near` has dialled, `far` was accepted. Later pairs share the first's listener. */
  async pair(near: ConnectionOptions = {}, far: ConnectionOptions = {}): Promise<Pair> {
    const accepted = Promise.withResolvers<Connection>();
    const listening = this.#accept !== undefined;
    this.#accept = accepted.resolve;
    if (!listening) await this.listen((connection) => this.#accept!(connection), far);
    const dialled = this.recorder(await this.dial(near));
    return { near: dialled.open(), far: this.recorder(await accepted.promise).open() };
  }

  /** Who sends datagrams to the address of the case. */
  async sender(options: DatagramOptions = {}): Promise<DatagramSender> {
    const { datagrams } = this.transport;
    const sender = await datagrams!.sender(this.#receivedAt ?? this.address, options, this.env);
    this.#senders.push(sender);
    return sender;
  }

  async receive(mailbox: Mailbox, options: DatagramOptions = {}): Promise<DatagramReceiver> {
    const { datagrams } = this.transport;
    const receiver = await datagrams!.receive(this.address, mailbox.hear, options, this.env);
    this.#receivers.push(receiver);
    this.#receivedAt = receiver.address;
    return receiver;
  }

  /** Who receives datagrams, and who sends them there. */
  async post(options: DatagramOptions = {}): Promise<Post> {
    const mailbox = new Mailbox();
    const receiver = await this.receive(mailbox);
    return { mailbox, receiver, sender: await this.sender(options) };
  }

  /** An instant that a case does not live to see. */
  soon(): number {
    return this.env.now() + dialMs;
  }

  /** Hands a datagram over. */
  sent(sender: DatagramSender, datagram: Buffer): Promise<void> {
    return sender.send(datagram, this.soon());
  }

  /** Sends a datagram until it has come to all of them; where none is lost, once. */
  async delivered(sender: DatagramSender, datagram: Buffer, ...to: Mailbox[]): Promise<void> {
    const counts = to.map(({ datagrams }) => datagrams.length);
    const arrived = (): boolean =>
      to.every(({ datagrams }, index) =>
        datagrams.slice(counts[index]).some((each) => each.equals(datagram)),
      );
    await this.sent(sender, datagram);
    if (this.transport.capabilities.reliable) {
      for (const mailbox of to) await mailbox.until(arrived);
      return;
    }
    for (let tells = 0; !arrived(); tells++) {
      ok(tells < tellsMax, "a datagram that is sent again and again arrives");
      await sleep(this.env, againMs);
      if (arrived()) return;
      for (const mailbox of to) mailbox.repeats++;
      await this.sent(sender, datagram);
    }
  }

  /** Input that is there is read, and its consequences happen. */
  turn(): Promise<void> {
    return new Promise((resolve) => this.env.yield(resolve));
  }

  /** Turns until the condition is met, for what is told to nobody. */
  async turns(met: () => boolean): Promise<void> {
    while (!met()) await this.turn();
  }

  /** What becomes of it the case looks at itself; that it fails in the end is nobody's matter. */
  #remembered(open: OpenSocket): OpenSocket {
    open.socket.on("error", () => {});
    this.#sockets.push(open);
    return open;
  }

  async #clear(): Promise<void> {
    for (const listener of this.#listeners) await listener.close();
    for (const sender of this.#senders) sender.close();
    for (const receiver of this.#receivers) await receiver.close();
    for (const { socket } of this.#sockets) socket.destroy();
    const connections = [...this.#accepted, ...this.#recorders.map((each) => each.connection)];
    for (const connection of connections) connection.destroy("the case is over");
    for (const recorder of this.#recorders) {
      await recorder.until(() => recorder.reason !== undefined);
    }
    for (let turns = 0; turns < closingTurnsMax && this.#handles() > this.#handlesBefore; turns++) {
      await this.turn();
    }
    for (const { violations, closings } of this.#recorders) {
      deepEqual(violations, []);
      equal(closings.length, 1, "closed is told exactly once");
    }
    equal(this.env.alarms, this.#alarmsBefore, "no alarm stays");
    equal(this.#handles(), this.#handlesBefore, "no handle stays");
  }
}
