import { equal } from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Database } from "./database.ts";
import type { BatchMessage } from "./messages.ts";
import { OpenBatch } from "./open-batch.ts";
import { tryRow } from "./suite/stand.ts";

/** What SQLite does at a commit, as `PRAGMA synchronous` says it. */
const normal = 1;
const full = 2;

function batch(seq: number, level: "os" | "disk"): BatchMessage {
  const open = new OpenBatch(undefined);
  open.insert(tryRow(1, seq));
  const { used, size } = open;
  const sheets = { numbers: open.numbers.buffer, bytes: open.bytes.buffer };
  return { kind: "batch", batch: seq, level, used, size, marks: undefined, ...sheets };
}

void test("what must be on the disk is synced, and nothing else", async () => {
  const folder = await mkdtemp(join(tmpdir(), "storage-"));
  const bounds = { walBytesMax: 1_048_576, cacheBytesMax: 1_048_576 };
  const database = new Database({ path: join(folder, "file"), ...bounds });
  equal(database.pragma("synchronous"), full);
  for (const [seq, level] of (["disk", "os", "os", "disk"] as const).entries()) {
    database.write(batch(seq, level));
    equal(database.pragma("synchronous"), level === "disk" ? full : normal);
  }
  equal(database.syncs, 2);
  database.close();
  await rm(folder, { recursive: true });
});
