import type { AnyQueue } from "../../broker/embedded/any-queue.ts";
import type { Node } from "../../broker/embedded/node.ts";
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

/** Looks at the broker of a folder, in its owner's process or in another one. */
export interface Overseer {
  status(): Promise<FolderStatus>;
  /** Of one virtual host, or of all. */
  queues(host?: string): AsyncIterable<QueueStatus>;
}

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
