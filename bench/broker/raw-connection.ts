import { once } from "node:events";
import type { Socket } from "node:net";
import { Fields, frameKind, methodFrame, methods, protocolHeader } from "./frames.ts";
import { connected } from "./stream.ts";

/** Where a broker is, and who comes. */
export interface Place {
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** What a connection hears of its one channel, when it is set up. */
export interface Ear {
  method(method: number, data: Buffer, at: number): void;
  body(data: Buffer, at: number): void;
  /** All that came at once was heard. */
  turn(): void;
}

const channel = 1;
const readBytesUsual = 1024 * 1024;
const anyFrameBytes = 128 * 1024;

/** A connection of AMQP 0-9-1 with one channel that does the least work a message. */
export class RawConnection {
  #socket!: Socket;
  /** Resolves with the next method that is not one of `ear`. */
  #answered = Promise.withResolvers<number>();
  #ear: Ear | undefined;
  readonly #broken = Promise.withResolvers<never>();

  static async open(
    { port, user, password }: Place,
    readBytes: number = readBytesUsual,
  ): Promise<RawConnection> {
    const self = new RawConnection();
    const socket = await connected(
      port,
      readBytes,
      (kind, data, at) => self.#hear(kind, data, at),
      () => self.#ear?.turn(),
      self.#broken.reject,
    );
    self.#socket = socket;
    const start = self.#next(methods.connectionStart);
    socket.write(protocolHeader);
    await start;
    const response = `\0${user}\0${password}`;
    await self.ask(
      methods.connectionStartOk,
      new Fields().table({}).short("PLAIN").long(response).short("en_US"),
      methods.connectionTune,
      0,
    );
    const tuned = new Fields().u16(channel).u32(anyFrameBytes).u16(0);
    socket.write(methodFrame(0, methods.connectionTuneOk, tuned));
    const open = new Fields().short("/").short("").u8(0);
    await self.ask(methods.connectionOpen, open, methods.connectionOpenOk, 0);
    await self.ask(methods.channelOpen, new Fields().short(""), methods.channelOpenOk);
    return self;
  }

  private constructor() {
    this.#broken.promise.catch(() => {});
  }

  /** Rejects when the connection ends. */
  get broken(): Promise<never> {
    return this.#broken.promise;
  }

  /** From now on every method and every body goes there, but for answers that are waited for. */
  listen(ear: Ear): void {
    this.#ear = ear;
  }

  /** Sends a method and waits for its answer. */
  async ask(method: number, fields: Fields, answer: number, on: number = channel): Promise<void> {
    const answered = this.#next(answer);
    this.#socket.write(methodFrame(on, method, fields));
    await answered;
  }

  async declare(queue: string, queueArguments: Readonly<Record<string, string>>): Promise<void> {
    const durable = 2;
    const fields = new Fields().u16(0).short(queue).u8(durable).table(queueArguments);
    await this.ask(methods.queueDeclare, fields, methods.queueDeclareOk);
  }

  async delete(queue: string): Promise<void> {
    const fields = new Fields().u16(0).short(queue).u8(0);
    await this.ask(methods.queueDelete, fields, methods.queueDeleteOk);
  }

  async confirms(): Promise<void> {
    await this.ask(methods.confirmSelect, new Fields().u8(0), methods.confirmSelectOk);
  }

  async consume(queue: string, prefetch: number): Promise<void> {
    const qos = new Fields().u32(0).u16(prefetch).u8(0);
    await this.ask(methods.qos, qos, methods.qosOk);
    const consume = new Fields().u16(0).short(queue).short("c").u8(0).table({});
    await this.ask(methods.consume, consume, methods.consumeOk);
  }

  write(frames: Buffer): void {
    this.#socket.write(frames);
  }

  async close(): Promise<void> {
    if (this.#socket.closed) return;
    const closed = once(this.#socket, "close");
    this.#socket.destroy();
    await closed;
  }

  async #next(wanted: number): Promise<void> {
    this.#answered = Promise.withResolvers();
    const method = await Promise.race([this.#answered.promise, this.broken]);
    if (method !== wanted) throw new Error(`the broker answered ${method}, not ${wanted}`);
  }

  #hear(kind: number, data: Buffer, at: number): void {
    if (kind === frameKind.body) this.#ear?.body(data, at);
    if (kind !== frameKind.method) return;
    const method = data.readUInt32BE(at);
    if (method === methods.ack || method === methods.deliver || method === methods.nack)
      this.#ear?.method(method, data, at + 4);
    else if (method === methods.channelClose || method === methods.connectionClose)
      throw new Error(
        `the broker closed: ${data.toString("latin1", at + 7, at + 7 + data[at + 6]!)}`,
      );
    else this.#answered.resolve(method);
  }
}

/** An acknowledgement of all messages up to a tag. */
export function ackFrame(tag: number): Buffer {
  return methodFrame(channel, methods.ack, new Fields().u64(tag).u8(1));
}
