// Compiles `src/` to `dist/`, in place: whoever reads `dist/` meanwhile finds old or new, not nothing.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const compiler = join(root, "node_modules/typescript/bin/tsc");
const build = spawnSync(process.execPath, [compiler, "-p", "tsconfig.build.json"], {
  cwd: root,
  stdio: "inherit",
});
removeOrphans(join(root, "dist"), join(root, "src"));
process.exitCode = build.status ?? 1;

/** Removes what was compiled from files that are gone, so that it is not published. */
function removeOrphans(target: string, source: string): void {
  if (!existsSync(target)) return;
  for (const path of readdirSync(target, { recursive: true, encoding: "utf8" })) {
    const origin = path.replace(/(\.d\.ts|\.js)$/, ".ts");
    if (!existsSync(join(source, origin)))
      rmSync(join(target, path), { recursive: true, force: true });
  }
}
