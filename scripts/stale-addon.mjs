import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

/** Removes an addon that was built before its sources changed: the prebuilt one came with these sources, and is used then. */
export function removeStaleAddon(root) {
  const native = join(root, "native");
  const built = join(native, "build/trunkline.node");
  const builtAt = statSync(built, { throwIfNoEntry: false })?.mtimeMs;
  if (builtAt === undefined) return;
  const sources = readdirSync(native).filter((name) => /\.[ch]$/.test(name));
  if (sources.some((name) => statSync(join(native, name)).mtimeMs > builtAt))
    rmSync(built, { force: true });
}
