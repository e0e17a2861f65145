import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** When one has died another one owns the folder within this. */
const takeOverMs = 10_000;

/** Who owns the broker of a folder, as it says in there for people. */
export function ownerOf(folder: string): number | undefined {
  try {
    return (JSON.parse(readFileSync(join(folder, "owner.json"), "utf8")) as { pid: number }).pid;
  } catch {
    return undefined;
  }
}

/** Resolves with who owns it now that the one before does not. */
export async function nextOwner(folder: string, before: number): Promise<number | undefined> {
  const late = performance.now() + takeOverMs;
  for (;;) {
    const pid = ownerOf(folder);
    if (pid !== undefined && pid !== before) return pid;
    if (performance.now() > late) return undefined;
    await sleep(5);
  }
}
