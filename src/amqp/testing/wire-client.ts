import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { ByteReader } from "../../wire/amqp091/byte-reader.ts";
import { ByteWriter } from "../../wire/amqp091/byte-writer.ts";
import { FrameReader, type FrameTaker } from "../../wire/amqp091/frame-reader.ts";
import {
  writeBodyFrame,
  writeContentHeader,
  writeMethodFrame,
} from "../../wire/amqp091/frame-writer.ts";
import { frameBody, frameHeader, frameHeartbeat } from "../../wire/amqp091/limits.ts";
import {
  bearsContent,
  methodName,
  readFields,
  type Fields,
  type MethodName,
} from "../../wire/amqp091/method.ts";
import { readProperties, writeProperties, type Properties } from "../../wire/amqp091/properties.ts";
import type { Table } from "../../wire/amqp091/table.ts";

/** A method that came, with its content where it bears some. */
export interface Heard {
  readonly channel: number;
  readonly name: MethodName;
  readonly fields: unknown;
  properties?: Properties;
  body?: Buffer;
  /** The parts in which the body came. */
  parts: number;
}

export interface GreetingOptions {
  readonly user?: string;
  readonly password?: string;
  readonly mechanism?: string;
  readonly response?: Uint8Array;
  readonly clientProperties?: Table;
  readonly frameMax?: number;
  readonly channelMax?: number;
  readonly heartbeat?: number;
  readonly virtualHost?: string;
}

/** What a client usually says that it can do. */
export const ableClient: Table = {
  capabilities: {
    consumer_cancel_notify: true,
    "connection.blocked": true,
    authentication_failure_close: true,
  },
};

/** A client that sends just what it is told, and keeps what it hears until it is asked for. */
export class WireClient implements FrameTaker, AsyncDisposable {
  readonly socket: Socket;
  heartbeats = 0;
  readonly #frames = new FrameReader(this, 1024 * 1024);
  readonly #heard: Heard[] = [];
  #missing = 0;
  #arrived = Promise.withResolvers<void>();
  #closed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => this.#frames.push(chunk));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#closed = true;
      this.#arrived.resolve();
    });
  }

  static async dial(port: number): Promise<WireClient> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return new WireClient(socket);
  }

  /** A connection that is open. */
  static async open(port: number, options: GreetingOptions = {}): Promise<WireClient> {
    const client = await WireClient.dial(port);
    await client.greet(options);
    return client;
  }

  async greet(options: GreetingOptions = {}): Promise<void> {
    await this.login(options);
    await this.hear("connection.tune");
    const { frameMax = 131_072, channelMax = 2_047, heartbeat = 0, virtualHost = "/" } = options;
    this.say(0, "connection.tune-ok", { frameMax, channelMax, heartbeat });
    this.say(0, "connection.open", { virtualHost, capabilities: "", insist: false });
    await this.hear("connection.open-ok");
  }

  /** Until the password was sent. */
  async login(options: GreetingOptions = {}): Promise<void> {
    const { user = "guest", password = "guest", mechanism = "PLAIN" } = options;
    const { response = Buffer.from(`\0${user}\0${password}`), clientProperties = ableClient } =
      options;
    this.raw(Buffer.from("AMQP\0\0\x09\x01", "latin1"));
    await this.hear("connection.start");
    this.say(0, "connection.start-ok", { clientProperties, mechanism, response, locale: "en_US" });
  }

  async channel(channel: number): Promise<void> {
    this.say(channel, "channel.open", { outOfBand: "" });
    await this.hear("channel.open-ok");
  }

  raw(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  say<Name extends MethodName>(channel: number, name: Name, fields: Fields<Name>): void {
    this.raw(frames((writer) => writeMethodFrame(writer, channel, name, fields)));
  }

  publish(
    channel: number,
    to: Partial<Fields<"basic.publish">>,
    body: string | Uint8Array = "",
    properties: Properties = {},
  ): void {
    const fields = { ticket: 0, exchange: "", routingKey: "", mandatory: false, immediate: false };
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    this.raw(
      frames((writer) => {
        writeMethodFrame(writer, channel, "basic.publish", { ...fields, ...to });
        writeContentHeader(writer, channel, writeProperties(properties), bytes.length);
        for (let from = 0; from < bytes.length; from += 100_000)
          writeBodyFrame(writer, channel, bytes, from, Math.min(bytes.length, from + 100_000));
      }),
    );
  }

  async declare(
    channel: number,
    queue: string,
    more: Partial<Fields<"queue.declare">> = {},
  ): Promise<Fields<"queue.declare-ok">> {
    const flags = { passive: false, durable: false, exclusive: false, autoDelete: false };
    const fields = { ticket: 0, queue, ...flags, nowait: false, arguments: {}, ...more };
    this.say(channel, "queue.declare", fields);
    return this.hear("queue.declare-ok");
  }

  async consume(
    channel: number,
    queue: string,
    more: Partial<Fields<"basic.consume">> = {},
  ): Promise<string> {
    const flags = { noLocal: false, noAck: false, exclusive: false, nowait: false };
    const fields = { ticket: 0, queue, consumerTag: "", ...flags, arguments: {}, ...more };
    this.say(channel, "basic.consume", fields);
    return (await this.hear("basic.consume-ok")).consumerTag;
  }

  async qos(channel: number, prefetchCount: number, global: boolean = false): Promise<void> {
    this.say(channel, "basic.qos", { prefetchSize: 0, prefetchCount, global });
    await this.hear("basic.qos-ok");
  }

  async confirms(channel: number): Promise<void> {
    this.say(channel, "confirm.select", { nowait: false });
    await this.hear("confirm.select-ok");
  }

  /** The fields of the next method, which must be that one. */
  async hear<Name extends MethodName>(name: Name): Promise<Fields<Name>> {
    return (await this.heard(name)).fields as Fields<Name>;
  }

  /** The next method with its content, which must be that one. */
  async heard(name: MethodName): Promise<Heard> {
    const heard = await this.next();
    if (heard?.name !== name)
      throw new Error(
        `expected ${name}, heard ${heard === undefined ? "the end" : JSON.stringify(heard)}`,
      );
    return heard;
  }

  /** The next method; undefined when the connection is closed. */
  async next(): Promise<Heard | undefined> {
    while (!this.waiting && !this.#closed) await this.#arrived.promise;
    return this.#heard.shift();
  }

  /** Something whole has come that nobody has asked for. */
  get waiting(): boolean {
    return this.#heard.length > (this.#missing > 0 ? 1 : 0);
  }

  /** Everything that was sent has been worked on: a question to another channel was answered. Throws when something came before that. */
  async quiet(): Promise<void> {
    this.say(999, "channel.open", { outOfBand: "" });
    await this.hear("channel.open-ok");
    this.say(999, "channel.close", { replyCode: 200, replyText: "", classId: 0, methodId: 0 });
    await this.hear("channel.close-ok");
  }

  async ended(): Promise<void> {
    if (!this.#closed) await once(this.socket, "close");
  }

  frame(type: number, channel: number, memory: Buffer, from: number, to: number): void {
    const reader = new ByteReader(Buffer.from(memory.subarray(from, to)));
    const last = this.#heard.at(-1);
    if (type === frameHeartbeat) this.heartbeats++;
    else if (type === frameHeader) {
      reader.long();
      this.#missing = reader.longlong();
      last!.properties = readProperties(reader.memory.subarray(reader.at));
      last!.body = Buffer.alloc(0);
    } else if (type === frameBody) {
      last!.body = Buffer.concat([last!.body!, reader.memory]);
      last!.parts++;
      this.#missing -= reader.memory.length;
    } else {
      const name = methodName(reader.long())!;
      this.#heard.push({ channel, name, fields: readFields(reader, name), parts: 0 });
      this.#missing = bearsContent(name) ? Infinity : 0;
    }
    if (this.#missing > 0) return;
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
    await this.ended();
  }
}

function frames(write: (writer: ByteWriter) => void): Buffer {
  const writer = new ByteWriter();
  write(writer);
  return writer.copied();
}
