// Our broker at RabbitMQ's port, in this process, and what `rabbitmqctl` can be told about it.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { amqpServer, type AmqpServer } from "../src/amqp/server.ts";
import { realEnv } from "../src/base/real-env.ts";
import { Node } from "../src/broker/embedded/node.ts";
import { openSqliteStorage } from "../src/broker/embedded/storage/open.ts";
import { Alarms } from "./alarms.ts";
import { controlled, type Controlled } from "./rabbitmqctl.ts";

/** A broker that the suite can stop and start again. */
export class EmbeddedUnderTest implements Controlled, AsyncDisposable {
  readonly alarms: Alarms = new Alarms();
  readonly #folder: string;
  #node: Node | undefined;
  #server: AmqpServer | undefined;
  #control: AsyncDisposable | undefined;
  channelsMax: number | undefined;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async start(): Promise<EmbeddedUnderTest> {
    const subject = new EmbeddedUnderTest(await mkdtemp(join(tmpdir(), "trunkline-java-client-")));
    await subject.startApp();
    subject.#control = await controlled(subject, subject.#folder);
    return subject;
  }

  get folder(): string {
    return this.#folder;
  }

  /** What stands for `rabbitmqctl`. */
  get rabbitmqctl(): string {
    return join(this.#folder, "rabbitmqctl");
  }

  get node(): Node {
    if (this.#node === undefined) throw new Error("the broker is stopped");
    return this.#node;
  }

  get server(): AmqpServer {
    if (this.#server === undefined) throw new Error("the broker is stopped");
    return this.#server;
  }

  async startApp(): Promise<void> {
    const env = realEnv();
    const storage = await openSqliteStorage(join(this.#folder, "data"), {}, env);
    this.#node = new Node(this.alarms.over(storage), env);
    const { channelsMax } = this;
    this.#server = await amqpServer({
      node: this.#node,
      listen: ["amqp://127.0.0.1:5672"],
      ...(channelsMax === undefined ? {} : { channelsMax }),
    });
  }

  async stopApp(): Promise<void> {
    await this.#server?.close();
    await this.#node?.close();
    this.#server = undefined;
    this.#node = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#control?.[Symbol.asyncDispose]();
    await this.stopApp();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
