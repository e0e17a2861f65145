import type { Node } from "../../broker/embedded/node.ts";
import type { AnyQueue } from "../../broker/embedded/any-queue.ts";
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
  /** Of one virtual host, or of all, by their names. */
  queues(host?: string): AsyncIterable<QueueStatus>;
}

export function statusOf(node: Node, owner: OwnerNote, guests: number): FolderStatus {
  const hosts = [...node.hosts.values()].map(({ name, queues }) => {
    const sum = { name, queues: 0, messages: 0, bytes: 0, consumers: 0 };
    for (const queue of queues()) {
      sum.queues++;
      sum.messages += queue.count;
      sum.bytes += queue.bytes;
      sum.consumers += queue.consumers.length;
    }
    return sum;
  });
  return { owner, guests, blocked: node.blocked, hosts };
}
