import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { AskerTerms, SideTerms } from "./measured.ts";

/** Of source and of what was compiled alike. */
const ending = import.meta.url.endsWith(".ts") ? "ts" : "js";

/** A file beside this one as a program with what it is told, for whoever starts programs by a command. */
export function programOf(
  name: "asker" | "side",
  terms?: AskerTerms | SideTerms,
): { readonly command: string; readonly args: readonly string[] } {
  const path = fileURLToPath(fileOf(name));
  return { command: process.execPath, args: [path, ...(terms ? [JSON.stringify(terms)] : [])] };
}

export function fileOf(name: "asker" | "side"): URL {
  return new URL(`./${name}.${ending}`, import.meta.url);
}

/** Starts it as a child that tells and hears messages. */
export function started(name: "asker" | "side", terms: AskerTerms | SideTerms): ChildProcess {
  return fork(fileOf(name), [JSON.stringify(terms)], {
    execArgv: [],
    // What it has to say it says by messages; whatever else it prints stands in nobody's way.
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
}
