import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hostId, sameHost } from "../../base/host-id.ts";
import { timestamp } from "../../base/timestamp.ts";

const fileName = "owner.json";
/** What is read of it, in bytes: what has more was not written by us. */
const bytesMax = 4_096;

/** Who owns a folder, or owned it last: for people, and for what is told of an owner that does not answer. The lock alone decides. */
export interface OwnerNote {
  /** Rises by one with each owner. */
  readonly epoch: number;
  readonly pid: number;
  /** What it calls itself. */
  readonly name: string;
  /** Tells its host, since that was started. */
  readonly host: string;
  /** Since when. */
  readonly since: string;
}

/** Undefined: there is none that can be read. */
export async function readOwner(folder: string): Promise<OwnerNote | undefined> {
  try {
    const text = await readFile(join(folder, fileName), "utf8");
    if (text.length > bytesMax) return undefined;
    const note = JSON.parse(text) as Partial<OwnerNote>;
    const sound = Number.isSafeInteger(note.epoch) && Number.isSafeInteger(note.pid);
    return sound ? (note as OwnerNote) : undefined;
  } catch {
    return undefined;
  }
}

/** To be called by the owner alone. Resolves with the note. */
export async function writeOwner(
  folder: string,
  pid: number,
  name: string,
  now: number,
): Promise<OwnerNote> {
  const epoch = ((await readOwner(folder))?.epoch ?? 0) + 1;
  const note = { epoch, pid, name, host: hostId(), since: timestamp(now) };
  const next = join(folder, `${fileName}.next`);
  await writeFile(next, `${JSON.stringify(note)}\n`, { mode: 0o600 });
  await rename(next, join(folder, fileName));
  return note;
}

/** What is known of an owner that has the lock and does not answer, and what can be done. */
export async function aboutOwner(
  folder: string,
): Promise<{ readonly reason: string; readonly advice: string }> {
  const note = await readOwner(folder);
  if (note === undefined)
    return { reason: "its owner does not answer", advice: "see which process has owner.lock open" };
  const who = `its owner, ${note.name === "" ? "" : `${note.name}, `}pid ${note.pid}`;
  if (!sameHost(note.host, hostId()))
    return {
      reason: `${who}, runs on another host`,
      advice: "a folder belongs to one machine: use RabbitMQ or Kafka between several",
    };
  if (await isStopped(note.pid))
    return {
      reason: `${who}, is stopped and keeps the lock: nobody can take its place while it lives`,
      advice: `let it go on (kill -CONT ${note.pid}) or end it (kill -KILL ${note.pid})`,
    };
  return {
    reason: `${who}, has the lock and does not answer`,
    advice: `see whether it is too busy to answer; when it ends, another process takes its place`,
  };
}

/** By a signal, or by a debugger. False where the system does not tell. */
async function isStopped(pid: number): Promise<boolean> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // proc(5): the name of the program in brackets, which may have any character, then the state.
  return /^[Tt]/.test(text.slice(text.lastIndexOf(")") + 2));
}
