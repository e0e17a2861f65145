import { fork, type ChildProcess } from "node:child_process";
import { platform } from "node:os";
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

/**
 * Starts it as a child that tells and hears messages. `apart`: with all that it starts in a group of its own, for `killAll`; else it belongs to
 * the group of who starts it.
 */
export function started(
  name: "asker" | "side",
  terms: AskerTerms | SideTerms,
  apart = false,
): ChildProcess {
  return fork(fileOf(name), [JSON.stringify(terms)], {
    execArgv: [],
    detached: apart && hasGroups,
    // What it has to say it says by messages; whatever else it prints stands in nobody's way.
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
}

/** The address at which this process listens, for others. */
export function forOthers(address: string): string {
  return address.replace(/^signal:self\b/, `signal:${process.pid}`);
}

const hasGroups = platform() !== "win32";

/** Ends one that was started apart, and whatever it has started: who is only being started would make files when nobody clears them away any more. */
export function killAll(child: ChildProcess): void {
  if (child.pid === undefined || !hasGroups) return void child.kill("SIGKILL");
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // they have ended
  }
}
