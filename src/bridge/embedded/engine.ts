import type { Env } from "../../base/env.ts";
import type { TrunklineError } from "../../base/error.ts";
import { Node, type NodeOptions } from "../../broker/embedded/node.ts";
import { SharedEmbedded } from "../../broker/embedded/port/shared-embedded.ts";
import { openSqliteStorage } from "../../broker/embedded/storage/open.ts";
import type { SqliteStorageOptions } from "../../broker/embedded/storage/sqlite-storage.ts";
import type { SharedBroker } from "../../broker/shared-broker.ts";
import { messageBytesMax } from "../broker/bounds.ts";

/** What the owner of a folder runs. */
export interface Engine {
  readonly node: Node;
  /** Its virtual host `/`, for users of the port of brokers. */
  readonly shared: SharedBroker;
  /** Resolves when its storage has failed: then nothing is kept any more. */
  readonly failed: Promise<TrunklineError>;
  /** Writes what is to be written, and leaves. */
  close(): Promise<void>;
}

export interface EngineOptions {
  readonly storage?: SqliteStorageOptions;
  readonly node?: NodeOptions;
  /**
   * How long publishing waits while the disk is nearly full or does not keep up, in milliseconds; then it is RESOURCE_EXHAUSTED, `executed: "no"`.
   * Default 8,000: sooner than a receipt is given up by default, so that whoever publishes is told why.
   */
  readonly blockedMs?: number;
}

/** Opens what a folder has. @throws TrunklineError when that cannot be used: it says why, and what to do. */
export type OpenEngine = (folder: string, env: Env) => Promise<Engine>;

/** The broker in a folder: its queues and logs over a storage in one file. */
export function engine({
  storage: kept = {},
  node: options = {},
  blockedMs,
}: EngineOptions): OpenEngine {
  return async (folder, env) => {
    const storage = await openSqliteStorage(folder, kept, env);
    const node = new Node(storage, env, options);
    // Who owns the folder is chance: what it promises is the same for all, and goes over a connection.
    const terms = { address: `file:${folder}`, bytesMax: messageBytesMax, blockedMs };
    const shared = new SharedEmbedded(node, terms);
    return {
      node,
      shared,
      failed: storage.failed,
      async close() {
        shared.close();
        await node.close();
      },
    };
  };
}
