import type { PeerCertificate } from "../base/peer.ts";
import type { Act } from "../broker/embedded/access/grants.ts";
import type { User } from "../broker/embedded/access/users.ts";
import type { Node } from "../broker/embedded/node.ts";
import { Refusal } from "../broker/embedded/refusal.ts";
import type { Storage } from "../broker/embedded/storage.ts";
import type { VirtualHost } from "../broker/embedded/virtual-host.ts";
import type { OpenSocket } from "../transport/transport.ts";
import type { ByteReader } from "../wire/amqp091/byte-reader.ts";
import { methodName, type Fields, type MethodName } from "../wire/amqp091/method.ts";
import { methods } from "../wire/amqp091/methods.ts";
import type { PropertyScan } from "../wire/amqp091/property-scan.ts";
import { shortened } from "../wire/amqp091/byte-writer.ts";
import type { Bounds } from "./bounds.ts";
import { Channel, type ChannelKeeper } from "./channel.ts";
import { Connection, type ConnectionPlace, type ConnectionUser } from "./connection.ts";
import type { Unfinished } from "./content.ts";
import { Fault } from "./fault.ts";
import { Handshake, type Agreed, type HandshakeKeeper } from "./handshake.ts";
import type { Outlet } from "./outlet.ts";
import { Rights } from "./rights.ts";
import type { Credentials } from "./sasl.ts";

/** What a client finds around it. */
export interface ClientPlace extends ConnectionPlace {
  readonly node: Node;
  readonly unfinished: Unfinished;
  readonly scan: PropertyScan;
  /** Why publishers wait; undefined: they do not. */
  readonly blocked: string | undefined;
  /** A channel has confirms to send, as soon as what they are about is safe. */
  confirming(channel: Channel): void;
  gone(client: Client): void;
}

const settlingIds: ReadonlySet<number> = new Set([
  methods["basic.ack"].id,
  methods["basic.nack"].id,
  methods["basic.reject"].id,
]);

/** One client: its handshake, its channels, and how it ends. */
export class Client implements ConnectionUser, ChannelKeeper, HandshakeKeeper {
  readonly id: string;
  readonly opened: OpenSocket;
  /** When it came, in milliseconds since 1970. */
  readonly since: number;
  readonly channels: Map<number, Channel> = new Map();
  agreed: Agreed | undefined;
  readonly #place: ClientPlace;
  readonly #connection: Connection;
  #handshake: Handshake | undefined;
  #rights: Rights | undefined;
  /** Counts it, and its channels, out of the quotas. */
  #leave: (() => void) | undefined;
  readonly #leaveChannel = new Map<number, () => void>();
  /** Channels that were closed because of an error, and not opened again. */
  readonly #refused = new Set<number>();
  #closing = false;
  /** It publishes, and publishers wait. */
  #blocked = false;

  constructor(id: string, opened: OpenSocket, place: ClientPlace) {
    this.id = id;
    this.opened = opened;
    this.#place = place;
    this.since = place.env.wall();
    this.#connection = new Connection(opened, this, place);
  }

  get host(): VirtualHost {
    return this.agreed!.host;
  }

  get storage(): Storage {
    return this.#place.node.storage;
  }

  get bounds(): Bounds {
    return this.#place.bounds;
  }

  get outlet(): Outlet {
    return this.#connection.outlet;
  }

  get user(): string {
    return this.agreed!.user.name;
  }

  get impersonator(): boolean {
    return this.agreed!.user.tags.includes("impersonator");
  }

  get notified(): boolean {
    return this.agreed!.client.consumerCancelNotify;
  }

  get unfinished(): Unfinished {
    return this.#place.unfinished;
  }

  get scan(): PropertyScan {
    return this.#place.scan;
  }

  get certificate(): PeerCertificate | undefined {
    return this.opened.peer.certificate;
  }

  wall(): number {
    return this.#place.env.wall();
  }

  check(act: Act, kind: "exchange" | "queue", name: string): void {
    this.#rights!.check(act, kind, name);
  }

  checkTopic(act: "write" | "read", exchange: string, routingKey: string): void {
    this.#rights!.checkTopic(act, exchange, routingKey);
  }

  checkQueueQuota(name: string): void {
    const { access } = this.#place.node;
    access.quotas.declareQueue(this.host.name, name, this.host.queueCount);
  }

  hold(work: Promise<unknown>, channel: number = 0): void {
    this.#connection.hold(work, channel);
  }

  confirming(channel: Channel): void {
    this.#place.confirming(channel);
  }

  publishing(): void {
    const { blocked } = this.#place;
    if (blocked === undefined || this.#blocked) return;
    this.#blocked = true;
    this.#connection.stop(true);
    if (this.agreed?.client.connectionBlocked === true)
      this.send("connection.blocked", { reason: blocked });
  }

  /** As it is shown to people. */
  get state(): "running" | "blocked" | "closing" {
    if (this.#closing) return "closing";
    return this.#blocked ? "blocked" : "running";
  }

  /** Publishers need no longer wait. */
  unblocked(): void {
    if (!this.#blocked) return;
    this.#blocked = false;
    if (this.#closing) return;
    if (this.agreed?.client.connectionBlocked === true) this.send("connection.unblocked", {});
    this.#connection.stop(false);
  }

  greeted(): void {
    this.#handshake = new Handshake(this);
  }

  send<Name extends MethodName>(name: Name, fields: Fields<Name>): void {
    this.outlet.method(0, name, fields);
  }

  authenticate(credentials: Credentials): Promise<User> {
    const { access } = this.#place.node;
    const peer = { loopback: this.opened.peer.sameHost };
    if ("certified" in credentials)
      return Promise.resolve().then(() => access.users.known(credentials.user, peer));
    return access.authenticate(credentials.user, credentials.password, peer);
  }

  enter({ name }: User, virtualHost: string): VirtualHost {
    const { node } = this.#place;
    const { access } = node;
    const host = node.hosts.get(virtualHost);
    if (host === undefined) throw new Fault("NOT_ALLOWED", `vhost ${virtualHost} not found`);
    if (!access.permissions.enters(name, virtualHost))
      throw new Fault("NOT_ALLOWED", `access to vhost '${virtualHost}' refused for user '${name}'`);
    this.#leave = access.quotas.connect(name, virtualHost);
    this.#rights = new Rights(name, host, access);
    return host;
  }

  tuned(frameBytesMax: number, heartbeatSeconds: number): void {
    this.#connection.tune(frameBytesMax, heartbeatSeconds);
  }

  agree(agreed: Agreed): void {
    this.agreed = agreed;
    this.#connection.settled();
  }

  method(channel: number, id: number, reader: ByteReader): void {
    if (this.#closing) return this.#afterClosing(channel, id);
    if (this.agreed === undefined) {
      if (channel !== 0) throw new Fault("CHANNEL_ERROR", "the connection is not open yet");
      if (id === methods["connection.close"].id) return this.#leaves();
      return this.#handshake!.take(id, reader);
    }
    if (channel === 0) return this.#control(id);
    const there = this.channels.get(channel);
    if (there !== undefined) there.method(id, reader);
    else if (id === methods["channel.open"].id) this.#open(channel);
    // What a client settles after it has closed a channel is settled already; and of one that we have closed not all threads of it know.
    else if (!settlingIds.has(id) && !this.#refused.has(channel)) throw notOpen();
  }

  header(channel: number, reader: ByteReader): void {
    if (!this.#closing) this.#there(channel)?.header(reader);
  }

  body(channel: number, memory: Buffer, from: number, to: number): void {
    if (!this.#closing) this.#there(channel)?.body(memory, from, to);
  }

  failed(fault: Fault, channel: number, methodId: number): boolean {
    const there = this.channels.get(channel);
    const [classId, id] = [methodId >>> 16, methodId & 0xffff];
    const replyText = shortened(fault.message);
    const reply = { replyCode: fault.code, replyText, classId, methodId: id };
    if (!fault.hard && there !== undefined) {
      if (there.closing) return true;
      there.close();
      this.#refused.add(channel);
      this.outlet.method(channel, "channel.close", reply);
      return true;
    }
    this.#closing = true;
    this.#release();
    // Who has not said that it can take that is left alone: it would not read it.
    const shy =
      this.agreed === undefined && this.#handshake?.client?.authenticationFailureClose !== true;
    if (shy && fault.code === 403) this.#connection.end();
    else this.send("connection.close", reply);
    return false;
  }

  drained(): void {
    for (const channel of this.channels.values()) channel.consuming.wake();
  }

  gone(): void {
    this.#closing = true;
    this.#release();
    this.#place.gone(this);
  }

  left(channel: Channel): void {
    this.channels.delete(channel.channel);
    this.#leaveChannel.get(channel.channel)?.();
    this.#leaveChannel.delete(channel.channel);
  }

  /** Tells the client why, and closes its connection. */
  close(why: string | Fault): void {
    if (this.#closing) return;
    const fault = typeof why === "string" ? new Fault("CONNECTION_FORCED", why) : why;
    this.failed(fault, 0, 0);
    this.#connection.closing();
  }

  /** Closes the connection without a word. */
  destroy(): void {
    this.#connection.destroy();
  }

  #there(channel: number): Channel | undefined {
    const there = this.channels.get(channel);
    if (there === undefined && !this.#refused.has(channel)) throw notOpen();
    return there;
  }

  #open(channel: number): void {
    const { channelsMax } = this.agreed!;
    if (channel > channelsMax || this.channels.size >= channelsMax)
      throw new Fault(
        "NOT_ALLOWED",
        `number of channels opened (${this.channels.size}) has reached the negotiated channel_max (${channelsMax})`,
      );
    this.#leaveChannel.set(channel, this.#place.node.access.quotas.openChannel(this.user));
    this.channels.set(channel, new Channel(channel, this));
    this.#refused.delete(channel);
    this.outlet.method(channel, "channel.open-ok", { channelId: Buffer.alloc(0) });
  }

  #control(id: number): void {
    const name = methodName(id);
    if (name === "connection.close") return this.#leaves();
    if (name === "connection.update-secret") return this.#updateSecret();
    throw new Fault("COMMAND_INVALID", `${name ?? "a method that nobody knows"} on channel 0`);
  }

  /** Passwords are asked for once; but who may no longer in is told so. */
  #updateSecret(): void {
    if (this.#place.node.access.users.get(this.user) === undefined)
      throw new Refusal("not-allowed", "New secret was refused by one of the backends");
    this.send("connection.update-secret-ok", {});
  }

  #leaves(): void {
    this.#closing = true;
    this.#release();
    this.send("connection.close-ok", {});
    this.#connection.closing();
    this.#connection.end();
  }

  #afterClosing(channel: number, id: number): void {
    if (channel !== 0) return;
    if (id === methods["connection.close-ok"].id) this.#connection.destroy();
    else if (id === methods["connection.close"].id) {
      this.send("connection.close-ok", {});
      this.#connection.end();
    }
  }

  /** What it consumes goes to others, what was its alone is gone. */
  #release(): void {
    for (const { consuming } of this.channels.values()) consuming.stop();
    for (const channel of [...this.channels.values()]) {
      channel.close();
      this.left(channel);
    }
    this.agreed?.host.leave(this.id);
    this.#leave?.();
    this.#leave = undefined;
  }
}

function notOpen(): Fault {
  return new Fault("CHANNEL_ERROR", "expected 'channel.open'");
}
