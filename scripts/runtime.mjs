import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const majorMin = 24;

/**
 * The Node to run on: the one that `toolchain/` brought for this platform, or, where it brings none
 * that runs, the Node that runs this, if it is new enough.
 */
export function runtime(root) {
  const toolchain = JSON.parse(readFileSync(join(root, "toolchain", "package.json"), "utf8"));
  const suffix = process.platform === "win32" ? "node.exe" : "node";
  for (const name of Object.keys(toolchain.optionalDependencies)) {
    const candidate = join(root, "node_modules", name, "bin", suffix);
    if (spawnSync(candidate, ["--version"]).status === 0) return candidate;
  }
  if (Number.parseInt(process.versions.node, 10) >= majorMin) return process.execPath;
  throw new Error(
    `no Node for ${process.platform}-${process.arch} came with the install, and this is Node ` +
      `${process.versions.node}. Remove node_modules and try again, or run with Node ${majorMin} or later`,
  );
}
