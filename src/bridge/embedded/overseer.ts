import { systemError } from "../../base/error.ts";
import type { AnyQueue } from "../../broker/embedded/any-queue.ts";
import { exportDefinitions } from "../../broker/embedded/definitions/export.ts";
import { importDefinitions } from "../../broker/embedded/definitions/import.ts";
import type { Node } from "../../broker/embedded/node.ts";
import { Refusal } from "../../broker/embedded/refusal.ts";
import type { OwnerNote } from "./owner-note.ts";

/** What a folder has, and who has it. */
export interface FolderStatus {
  readonly owner: OwnerNote;
  /** Other processes that use it. */
  readonly guests: number;
  /** Why publishers are held up; undefined: they are not. */
  readonly blocked?: "disk" | "memory" | undefined;
  readonly hosts: readonly HostStatus[];
}

export interface HostStatus {
  readonly name: string;
  readonly queues: number;
  /** Messages, and their bytes, that wait, are held back, or are with consumers. */
  readonly messages: number;
  readonly bytes: number;
  readonly consumers: number;
}

export interface QueueStatus {
  readonly host: string;
  readonly name: string;
  readonly kind: "queue" | "log";
  /** How far persistent messages must have come for their receipt. */
  readonly level: "memory" | "os" | "disk";
  readonly durable: boolean;
  readonly ready: number;
  readonly unsettled: number;
  readonly held: number;
  readonly bytes: number;
  readonly consumers: number;
}

/** A user of the broker, by AMQP. */
export interface UserStatus {
  readonly name: string;
  readonly tags: readonly string[];
}

/** What taking up a definitions file came to. */
export interface DefinedStatus {
  /** How many of each section were taken up. */
  readonly taken: Readonly<Record<string, number>>;
  /** What was left as it is, or out, each with the reason. */
  readonly left: readonly string[];
}

/** Looks at the broker of a folder, in its owner's process or in another one. */
export interface Overseer {
  status(): Promise<FolderStatus>;
  /** Of one virtual host, or of all. */
  queues(host?: string): AsyncIterable<QueueStatus>;
  users(): AsyncIterable<UserStatus>;
  /** A definitions file as RabbitMQ writes it, of one virtual host or of all, in pieces. */
  definitions(host?: string): AsyncIterable<string>;
  /** Makes what a definitions file says, of RabbitMQ or of ours; what is there stays. @throws TrunklineError INVALID_ARGUMENT. */
  define(text: string): Promise<DefinedStatus>;
}

/** What of a definitions file goes in one piece, in characters. */
const pieceChars = 262_144;

/** Looks at the node itself. */
export class NodeOverseer implements Overseer {
  readonly #node: Node;
  readonly #owner: OwnerNote;
  readonly #guests: () => number;

  constructor(node: Node, owner: OwnerNote, guests: () => number) {
    this.#node = node;
    this.#owner = owner;
    this.#guests = guests;
  }

  async status(): Promise<FolderStatus> {
    const { hosts, blocked } = this.#node;
    const told = [...hosts.values()].map((host) => {
      const sum = { name: host.name, queues: 0, messages: 0, bytes: 0, consumers: 0 };
      for (const queue of host.queues()) {
        sum.queues++;
        sum.messages += queue.count;
        sum.bytes += queue.bytes;
        sum.consumers += queue.consumers.length;
      }
      return sum;
    });
    const held = blocked === undefined ? {} : { blocked };
    return { owner: this.#owner, guests: this.#guests(), ...held, hosts: told };
  }

  async *queues(host?: string): AsyncGenerator<QueueStatus, void> {
    for (const { name, queues } of this.#hosts(host))
      for (const queue of queues) yield queueStatus(name, queue);
  }

  async *users(): AsyncGenerator<UserStatus, void> {
    for (const { name, tags } of this.#node.access.users) yield { name, tags };
  }

  async *definitions(host?: string): AsyncGenerator<string, void> {
    const text = said(() => JSON.stringify(exportDefinitions(this.#node, host), undefined, 2));
    for (let from = 0; from < text.length; from += pieceChars)
      yield text.slice(from, from + pieceChars);
  }

  async define(text: string): Promise<DefinedStatus> {
    const document: unknown = said(() => JSON.parse(text));
    try {
      const { taken, left } = await importDefinitions(this.#node, document);
      return { taken, left };
    } catch (error) {
      throw refusal(error);
    }
  }

  *#hosts(only: string | undefined): Generator<{ name: string; queues: readonly AnyQueue[] }> {
    for (const host of this.#node.hosts.values())
      if (only === undefined || only === host.name)
        yield { name: host.name, queues: [...host.queues()] };
  }
}

function queueStatus(host: string, queue: AnyQueue): QueueStatus {
  const { name, terms, ready, unsettled, held, bytes, consumers } = queue;
  const { kind, level, durable } = terms;
  const counts = { ready, unsettled, held, bytes, consumers: consumers.length };
  return { host, name, kind, level, durable, ...counts };
}

function said<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw refusal(error);
  }
}

/** What cannot be, in our words. */
function refusal(error: unknown): unknown {
  if (!(error instanceof Refusal) && !(error instanceof SyntaxError)) return error;
  return systemError("INVALID_ARGUMENT", error.message, { executed: "no", cause: error });
}
