import { isTrunklineError, systemError } from "../../../base/error.ts";
import type { Finding } from "../../finding.ts";
import type { StoreLog } from "../../log.ts";
import { failureIn } from "../../sql/failures.ts";
import { LogTail } from "./log-tail.ts";
import type { ReplicationClient } from "./slot-stream.ts";
import {
  Slots,
  troubleOf,
  warningsOf,
  type Query,
  type SlotLook,
  type TailingNames,
} from "./slots.ts";

export interface PostgresLogParts {
  readonly query: Query;
  /** A client for `replication: "database"`, not connected yet. */
  readonly connect: () => Promise<ReplicationClient>;
  readonly names: TailingNames;
}

/** Logical replication of PostgreSQL 14 or later, by pgoutput. */
export function postgresLog({ query, connect, names }: PostgresLogParts): StoreLog {
  const slots = new Slots(query, names);
  return {
    follow: (ear, env) => new LogTail({ slots, query, connect, env }, ear),
    enable: () => permitted(slots.enable()),
    disable: () => permitted(slots.disable()),
    async examine() {
      return findingsOf(await slots.look());
    },
  };
}

async function permitted<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (isTrunklineError(cause)) throw cause;
    const denied = failureIn("postgres", cause) === "denied";
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw systemError(denied ? "PERMISSION_DENIED" : "UNAVAILABLE", reason, {
      executed: denied ? "no" : "maybe",
      advice:
        "a superuser may, or the owner of the table with REPLICATION and CREATE on the database",
      cause,
    });
  }
}

/** Without a slot and a publication nobody has asked for tailing, and it is no fault that there is none. */
function findingsOf(look: SlotLook): readonly Finding[] {
  const { slot, found, published, keepSize } = look;
  const about = "tailing";
  if (found === undefined && !published)
    return [{ about, state: "fine", seen: "no slot: relays look at the tables, and hear hints" }];
  const trouble = troubleOf(look);
  if (trouble !== "")
    return [
      {
        about,
        state: "wrong",
        seen: trouble,
        advice: "nothing is lost meanwhile: relays look at the tables as without",
      },
    ];
  const behind = `${Math.ceil(found!.keptBytes / 1_024)} KiB of the log are kept for it`;
  const seen = found!.active
    ? `the slot ${slot} is read; ${behind}, of ${keepSize === "-1" ? "any size" : keepSize}`
    : `nobody reads the slot ${slot}; ${behind}`;
  const state = found!.active ? "fine" : "warning";
  const advice = found!.active
    ? {}
    : { advice: "start a relay with tailing, or give it up: trunkline outbox tailing ADDRESS off" };
  return [
    { about, state, seen, ...advice },
    ...warningsOf(look).map((warning): Finding => ({
      about,
      state: "warning",
      seen: warning,
      advice: "set max_slot_wal_keep_size to what the disk can spare, as in 10GB, and reload",
    })),
  ];
}
