import type { Finding } from "../../finding.ts";
import { examined, size, type Look, type Query } from "./examine.ts";

const freeBytesLarge = 256 * 1024 * 1024;

const looks: Readonly<Record<string, Look>> = { durability, journal, free };

/** What the settings of this connection and of the file do to an outbox. */
export function examineSqlite(query: Query): Promise<Finding[]> {
  return examined(looks, query);
}

async function durability(query: Query): Promise<Finding> {
  const [row] = await query("PRAGMA synchronous", []);
  const level = Number(row!["synchronous"]);
  if (level >= 2)
    return {
      about: "durability",
      state: "fine",
      seen: "synchronous is FULL: what is committed is on the disk",
    };
  return {
    about: "durability",
    state: "warning",
    seen: `synchronous is ${level === 1 ? "NORMAL" : "OFF"}`,
    advice:
      "the last commits are gone when the power fails, of which messages may have been published (OB-3): PRAGMA synchronous = FULL",
  };
}

async function journal(query: Query): Promise<Finding> {
  const [row] = await query("PRAGMA journal_mode", []);
  const mode = String(row!["journal_mode"]);
  if (mode === "wal")
    return {
      about: "journal",
      state: "fine",
      seen: "journal_mode is WAL: who reads does not wait for who writes",
    };
  return {
    about: "journal",
    state: "warning",
    seen: `journal_mode is ${mode}`,
    advice: "readers and the writer wait for each other: PRAGMA journal_mode = WAL",
  };
}

async function free(query: Query): Promise<Finding> {
  const [pages] = await query("PRAGMA freelist_count", []);
  const [each] = await query("PRAGMA page_size", []);
  const bytes = Number(pages!["freelist_count"]) * Number(each!["page_size"]);
  const seen = `${size(bytes)} of the file are free`;
  if (bytes < freeBytesLarge) return { about: "free", state: "fine", seen };
  return {
    about: "free",
    state: "warning",
    seen,
    advice: "VACUUM makes it smaller, while nobody writes",
  };
}
