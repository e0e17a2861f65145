import { rmSync } from "node:fs";
import { builtAddon, compile, compilerHere, isCurrent } from "./addon.ts";

/**
 * Compiles the addon for this machine unless it is there. Where it cannot be compiled, what came with the package is used, or sockets;
 * that is said, and nothing fails by it. False: there is a compiler, and it found a fault.
 */
export function bringAddon(): boolean {
  if (process.platform !== "linux" || isCurrent(builtAddon)) return true;
  const problem = compile({ to: builtAddon });
  if (problem === undefined) return true;
  rmSync(builtAddon, { force: true });
  console.log(`the addon in native/ is not built here: ${problem}`);
  return compilerHere() === undefined;
}
