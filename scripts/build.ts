// Compiles `src/` to `dist/`, in place: whoever reads `dist/` meanwhile finds old or new, not nothing; and the addon in `native/`.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { bringAddon } from "./native/bring.ts";

const root = join(import.meta.dirname, "..");
const compiler = join(root, "node_modules/typescript/bin/tsc");
const build = spawnSync(process.execPath, [compiler, "-p", "tsconfig.build.json"], {
  cwd: root,
  stdio: "inherit",
});
copySql(join(root, "src"), join(root, "dist"));
removeOrphans(join(root, "dist"), join(root, "src"));
process.exitCode = bringAddon() ? (build.status ?? 1) : 1;

/** Migrations are files of SQL, which the program reads where it is. */
function copySql(source: string, target: string): void {
  for (const path of readdirSync(source, { recursive: true, encoding: "utf8" })) {
    if (!path.endsWith(".sql")) continue;
    mkdirSync(dirname(join(target, path)), { recursive: true });
    copyFileSync(join(source, path), join(target, path));
  }
}

/** Removes what was compiled from files that are gone, so that it is not published. */
function removeOrphans(target: string, source: string): void {
  if (!existsSync(target)) return;
  for (const path of readdirSync(target, { recursive: true, encoding: "utf8" })) {
    const origin = path.replace(/(\.d\.ts|\.js)$/, ".ts");
    if (!existsSync(join(source, origin)))
      rmSync(join(target, path), { recursive: true, force: true });
  }
}
