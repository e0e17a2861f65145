import type { Env } from "../../../base/env.ts";
import { alarmAt, atMost } from "../../../base/alarm.ts";
import { PgOutput, type LogEar } from "./pgoutput.ts";

/** What is used of a client of `pg` that was made with `replication: "database"`. */
export interface ReplicationClient {
  connect(): Promise<unknown>;
  query(sql: string): Promise<unknown>;
  end(): Promise<void>;
  on(event: "error", heard: (error: Error) => void): unknown;
  readonly connection: {
    on(event: "copyData", heard: (message: { readonly chunk: Buffer }) => void): unknown;
    once(event: "replicationStart", heard: () => void): unknown;
    sendCopyFromChunk(chunk: Buffer): void;
    readonly stream: { destroy(): void };
  };
}

export interface StreamEar extends LogEar {
  /** There is nothing more up to `end`. `answer`: it wants to hear at once how far this side is. */
  quiet(end: bigint, answer: boolean): void;
}

export interface StreamTerms {
  readonly slot: string;
  readonly publication: string;
  readonly table: string;
}

/** What a server sends of its log: from where it was last told that it is not needed any more. */
export interface SlotStream {
  /** Rejects, when the server has ended it or was lost; never resolves before it was closed. */
  readonly over: Promise<void>;
  /** Up to `read` it has come, and up to `confirmed` it is not needed any more. */
  acknowledge(read: bigint, confirmed: bigint): void;
  close(): Promise<void>;
}

/** Who has not begun to send after so many milliseconds is not there. */
const beginMs = 30_000;
/** For a farewell, in milliseconds. */
const endMs = 1_000;

/** Begins to read a slot; the slot is this client's alone until it is closed. */
export async function readSlot(
  client: ReplicationClient,
  terms: StreamTerms,
  ear: StreamEar,
  env: Env,
): Promise<SlotStream> {
  const { promise: over, resolve, reject } = Promise.withResolvers<void>();
  over.catch(() => {});
  client.on("error", reject);
  const { connection } = client;
  const alarm = alarmAt(env, env.now() + beginMs, () =>
    reject(new Error(`the server has not begun to send its log within ${beginMs / 1_000} s`)),
  );
  try {
    await Promise.race([client.connect(), over]);
    const begun = new Promise<void>((begin) => connection.once("replicationStart", begin));
    const output = new PgOutput(terms.table, ear);
    connection.on("copyData", ({ chunk }) => {
      try {
        if (chunk[0] === 0x77) output.read(chunk.subarray(25));
        else if (chunk[0] === 0x6b) ear.quiet(chunk.readBigUInt64BE(1), chunk[17] === 1);
      } catch (error) {
        reject(error);
      }
    });
    client
      .query(startOf(terms))
      .then(() => reject(new Error("the server has ended the stream of its log")), reject);
    await Promise.race([begun, over]);
  } catch (error) {
    connection.stream.destroy();
    throw error;
  } finally {
    env.clear(alarm);
  }
  return {
    over,
    acknowledge(read, confirmed) {
      connection.sendCopyFromChunk(statusOf(read, confirmed));
    },
    async close() {
      resolve();
      await atMost(env, endMs, client.end()).catch(() => {});
      connection.stream.destroy();
    },
  };
}

function startOf({ slot, publication }: StreamTerms): string {
  return `START_REPLICATION SLOT "${slot}" LOGICAL 0/0 (proto_version '1', publication_names '"${publication}"', messages 'true')`;
}

/** A standby status update (https://www.postgresql.org/docs/current/protocol-replication.html). */
function statusOf(read: bigint, confirmed: bigint): Buffer {
  const status = Buffer.alloc(34);
  status[0] = 0x72;
  status.writeBigUInt64BE(read, 1);
  status.writeBigUInt64BE(confirmed, 9);
  status.writeBigUInt64BE(confirmed, 17);
  return status; // no time of ours, and nothing to answer
}
