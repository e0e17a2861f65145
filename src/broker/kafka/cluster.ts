import { isIP } from "node:net";
import type { ConnectionOptions as TlsOptions } from "node:tls";
import {
  ConnectionPool,
  findCoordinatorV6,
  metadataV12,
  type Connection,
  type ConnectionOptions,
} from "@platformatic/kafka";
import { sleep } from "../../base/alarm.ts";
import { backoff } from "../../base/backoff.ts";
import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import type { KafkaAddress } from "./address.ts";
import { hasId, isPassing, reachableMs, responseOf, translated } from "./errors.ts";

/** One request of Kafka's protocol in one version, as the library writes and reads it. */
interface Api<Args extends unknown[], Response> {
  async(connection: Connection, ...args: Args): Promise<Response>;
}

export interface Topic {
  readonly name: string;
  readonly id: string;
  /** The node that leads each partition, by number; -1: none at the moment. */
  readonly leaders: readonly number[];
}

interface Node {
  readonly host: string;
  readonly port: number;
}

/** How long what is known of a topic is believed, in milliseconds: until then a new partition may go unseen. */
const topicMs = 60_000;

/** Between two tries of a request. */
const pauses = { baseMs: 50, capMs: 1_000 };

/** Longer than this nobody answers a request that does not wait for anything, in milliseconds. */
const answerMsMin = 3_000;

/**
 * The nodes of a cluster, whom they lead, and connections to them. Every request goes through `ask`, once: what is done again is decided where
 * one knows whether it may be. A wait on one connection holds up the next request on it, so each purpose has its own.
 */
export class Cluster {
  readonly env: Env;
  readonly name: string;
  readonly address: string;
  readonly waitMs: number;
  readonly #seeds: readonly Node[];
  readonly #options: ConnectionOptions;
  readonly #pools: Map<string, ConnectionPool> = new Map();
  readonly #topics: Map<string, { readonly topic: Topic; readonly at: number }> = new Map();
  readonly #coordinators: Map<string, number> = new Map();
  #nodes: ReadonlyMap<number, Node> = new Map();
  #turn = 0;
  #closed = false;

  constructor(
    address: KafkaAddress,
    options: { readonly name: string; readonly waitMs: number; readonly tls: TlsOptions },
    env: Env,
  ) {
    this.env = env;
    this.name = options.name;
    this.address = address.text;
    this.waitMs = options.waitMs;
    this.#seeds = address.seeds;
    const { user, mechanism, tls } = address;
    this.#options = {
      connectTimeout: Math.min(5_000, options.waitMs),
      requestTimeout: Math.max(options.waitMs, answerMsMin) * 2,
      ...(tls ? { tls: options.tls } : {}),
      ...(user === undefined
        ? {}
        : { sasl: { mechanism, username: user.name, password: user.password } }),
    };
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** How many nodes there are. */
  get size(): number {
    return this.#nodes.size;
  }

  /** One request to one node, on the connection of a purpose. Throws what the library throws. */
  async ask<Args extends unknown[], Response>(
    purpose: string,
    nodeId: number,
    api: { readonly api: Api<Args, Response> },
    ...args: Args
  ): Promise<Response> {
    const node = this.#nodes.get(nodeId);
    if (node === undefined)
      throw systemError("UNAVAILABLE", `${this.address}: no node leads at the moment`, {
        executed: "no",
        retryAfterMs: reachableMs,
      });
    return this.#send(purpose, node, api, args);
  }

  /** The same to any node that answers: to those that are known, and to the seeds. */
  async askAny<Args extends unknown[], Response>(
    api: { readonly api: Api<Args, Response> },
    ...args: Args
  ): Promise<Response> {
    const nodes = [...this.#nodes.values(), ...this.#seeds];
    let failure: unknown;
    // Each once; whoever answered last is asked first.
    for (let tried = 0; tried < nodes.length; tried++) {
      const node = nodes[this.#turn % nodes.length]!;
      try {
        return await this.#send("any", node, api, args);
      } catch (error) {
        failure = error;
        if (!isPassing(error) || responseOf(error) !== undefined) throw error;
        this.#turn++;
      }
    }
    throw failure;
  }

  async #send<Args extends unknown[], Response>(
    purpose: string,
    node: Node,
    { api }: { readonly api: Api<Args, Response> },
    args: Args,
  ): Promise<Response> {
    if (this.#closed)
      throw systemError("UNAVAILABLE", `the broker ${this.address} is closed`, { executed: "no" });
    const connection = await this.#connection(purpose, node);
    try {
      return await api.async(connection, ...args);
    } catch (error) {
      // After a silence answers cannot be told apart any more: the next request gets a new connection.
      if (hasCode(error, "PLT_KFK_NETWORK")) void connection.close().catch(() => {});
      throw error;
    }
  }

  async #connection(purpose: string, node: Node): Promise<Connection> {
    try {
      return await this.#pool(purpose, isIP(node.host) === 0).get(node);
    } catch (error) {
      throw translated(error, `${this.address}: connecting to ${node.host}:${node.port}`, "no");
    }
  }

  /** TLS tells the server its name, but never an address: that would be an error. */
  #pool(purpose: string, named: boolean): ConnectionPool {
    const key = named ? purpose : `${purpose} by address`;
    let pool = this.#pools.get(key);
    if (pool === undefined) {
      const options = named ? { ...this.#options, tlsServerName: true } : this.#options;
      pool = new ConnectionPool(this.name, options);
      // Every failure comes back from a request; nobody else needs to hear of it, and an error event without listener ends the process.
      pool.on("connecting", (event: unknown) =>
        (event as { readonly connection: Connection }).connection.on("error", () => {}),
      );
      this.#pools.set(key, pool);
    }
    return pool;
  }

  /** Closes the connections of a purpose. */
  async leave(purpose: string): Promise<void> {
    await Promise.all([this.#drop(purpose), this.#drop(`${purpose} by address`)]);
  }

  async #drop(key: string): Promise<void> {
    const pool = this.#pools.get(key);
    this.#pools.delete(key);
    await pool?.close().catch(() => {});
  }

  /** Asks for nodes and topics anew. Topics that are not there are left out. */
  async refresh(names: readonly string[]): Promise<readonly Topic[]> {
    let answer: Awaited<ReturnType<typeof metadataV12.api.async>> | undefined;
    try {
      answer = await this.askAny(metadataV12, [...names], false, false);
    } catch (error) {
      answer = responseOf(error) as typeof answer;
      if (answer === undefined || hasId(error, "TOPIC_AUTHORIZATION_FAILED")) throw error;
    }
    this.#nodes = new Map(answer.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]));
    const topics = [];
    for (const name of names) this.#topics.delete(name);
    for (const { name, topicId, partitions, errorCode } of answer.topics) {
      if (typeof name !== "string" || errorCode !== 0) continue;
      const leaders: number[] = [];
      for (const { partitionIndex, leaderId } of partitions) leaders[partitionIndex] = leaderId;
      const topic = { name, id: topicId, leaders };
      topics.push(topic);
      this.#topics.set(name, { topic, at: this.env.now() });
    }
    return topics;
  }

  /** What is known of a topic; undefined: there is none. */
  async topic(name: string): Promise<Topic | undefined> {
    const known = this.known(name);
    if (known !== undefined) return known;
    await this.persist(`asking for ${name}`, () => this.refresh([name]));
    return this.known(name);
  }

  /** What is known of a topic without asking. */
  known(name: string): Topic | undefined {
    const known = this.#topics.get(name);
    return known !== undefined && this.env.now() - known.at < topicMs ? known.topic : undefined;
  }

  /** The leader of a partition moved, or is gone. */
  forget(name: string): void {
    this.#topics.delete(name);
  }

  /** The node that keeps a group, or the state of a transactional id. */
  async coordinator(kind: "group" | "transaction", key: string): Promise<number> {
    const known = this.#coordinators.get(`${kind}:${key}`);
    if (known !== undefined && this.#nodes.has(known)) return known;
    const { coordinators } = await this.askAny(findCoordinatorV6, kind === "group" ? 0 : 1, [key]);
    const nodeId = coordinators[0]?.nodeId ?? -1;
    if (!this.#nodes.has(nodeId)) await this.refresh([]);
    this.#coordinators.set(`${kind}:${key}`, nodeId);
    return nodeId;
  }

  /** A request to a coordinator, which is looked for again when it is another one by now. */
  async askCoordinator<Args extends unknown[], Response>(
    kind: "group" | "transaction",
    key: string,
    purpose: string,
    api: { readonly api: Api<Args, Response> },
    ...args: Args
  ): Promise<Response> {
    const nodeId = await this.coordinator(kind, key);
    try {
      return await this.ask(purpose, nodeId, api, ...args);
    } catch (error) {
      if (hasId(error, "NOT_COORDINATOR", "COORDINATOR_NOT_AVAILABLE") || isSilent(error))
        this.#coordinators.delete(`${kind}:${key}`);
      throw error;
    }
  }

  /**
   * Does it again while what fails may pass, for as long as `waitMs`: only for what may be done twice. Throws an error of Trunkline.
   */
  async persist<Result>(
    what: string,
    act: () => Promise<Result>,
    waitMs: number = this.waitMs,
    passing: (error: unknown) => boolean = isPassing,
  ): Promise<Result> {
    const until = this.env.now() + waitMs;
    for (let failures = 0; ; failures++) {
      try {
        return await act();
      } catch (error) {
        const pause = backoff(failures, pauses, () => this.env.random());
        if (this.#closed || !passing(error) || this.env.now() + pause > until)
          throw translated(error, `${this.address}: ${what}`, "maybe");
        await sleep(this.env, pause);
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#pools.keys()].map((key) => this.#drop(key)));
  }
}

function hasCode(error: unknown, code: string): boolean {
  return (error as { readonly code?: unknown }).code === code;
}

function isSilent(error: unknown): boolean {
  return hasCode(error, "PLT_KFK_NETWORK");
}
