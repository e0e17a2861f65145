// A server of somebody else that tests talk to: where it is found, and how it is started and stopped. All are on loopback
// only, each on a port and in a folder of its own, and none outlives `stop`.
import { spawn, spawnSync } from "node:child_process";
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** One server that can be had. A new one is a file here and a line in `all.ts`. */
export interface Server {
  readonly name: string;
  /** The Debian packages that bring it. */
  readonly packages: readonly string[];
  /** The program: a name, which is looked for where users and root have theirs, or the path where `bring` puts it. */
  readonly program: string;
  /** Brings what no package of this Debian holds into `broughtTo`, for which nobody must be root. Says what is wrong, or nothing. */
  bring?(): string | undefined;
  /** Where it listens, on 127.0.0.1. */
  readonly port: number;
  /** Writes what it needs into its folder; gives the arguments that keep it in the foreground. */
  prepare(folder: string): readonly string[];
  /** The command that stands for `program`, where that needs more around it. The arguments of `prepare` follow. */
  launch?(folder: string): readonly [string, ...string[]];
  /** True when it answers. */
  ready(): Promise<boolean>;
  /** How long it may take until it does, on a busy machine. Default 15,000. */
  readonly readyWithinMs?: number;
  /** What asks it to stop at once, in order. Default SIGTERM. */
  readonly stopSignal?: "SIGINT";
}

export interface State {
  readonly name: string;
  readonly installed: boolean;
  readonly running: boolean;
  readonly address: string;
}

const readyWithinMs = 15_000;
const stoppedWithinMs = 10_000;
const pollMs = 50;
const logCharsMax = 2_000;

/** Where what was brought lies, a folder for each server. */
export const broughtTo = join(import.meta.dirname, "../../.cache/brought");

/** The path of a program; undefined where it is not installed. */
export function programOf({ program }: Server): string | undefined {
  if (isAbsolute(program)) return executable(program) ? program : undefined;
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  return folders.map((folder) => join(folder, program)).find(executable);
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Installs a server: its packages, for which one must be root, or as it says itself. Says what is wrong, or nothing. */
export function install(server: Server): string | undefined {
  if (programOf(server) !== undefined) return undefined;
  if (server.bring !== undefined) return server.bring();
  const apt = (...args: string[]): boolean =>
    spawnSync("apt-get", args, {
      stdio: ["ignore", 2, 2],
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    }).status === 0;
  if (process.getuid?.() !== 0)
    return `${server.name}: install ${server.packages.join(" ")} as root, or start it by compose.yaml`;
  const packages = ["-qq", "-y", "--no-install-recommends", ...server.packages];
  if (apt("-qq", "update") && apt("install", ...packages)) return undefined;
  return `${server.name}: apt-get could not install ${server.packages.join(" ")}`;
}

/** Its process, if it runs: nobody else's that has got the same number. */
function pidOf(folder: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(join(folder, "pid"), "utf8"));
    process.kill(pid, 0);
    const command = `/proc/${pid}/cmdline`;
    return !existsSync(command) || readFileSync(command, "utf8").includes(folder) ? pid : undefined;
  } catch {
    return undefined;
  }
}

export function stateOf(server: Server, folder: string): State {
  return {
    name: server.name,
    installed: programOf(server) !== undefined,
    running: pidOf(folder) !== undefined,
    address: `127.0.0.1:${server.port}`,
  };
}

/** Starts a server in its folder and waits until it answers. It runs on when this process has ended. */
export async function start(server: Server, folder: string): Promise<void> {
  if (pidOf(folder) !== undefined) return;
  const program = programOf(server);
  if (program === undefined)
    throw new Error(`${server.name} is not installed: npm run servers -- install ${server.name}`);
  mkdirSync(folder, { recursive: true });
  const log = join(folder, "log");
  const output = openSync(log, "w");
  const args = server.prepare(folder);
  const [command, ...before] = server.launch?.(folder) ?? [program];
  const child = spawn(command, [...before, ...args], {
    cwd: folder,
    detached: true, // a process group of its own, which is stopped as one
    stdio: ["ignore", output, output],
  });
  closeSync(output);
  let ended = false;
  child.on("error", () => (ended = true)).on("exit", () => (ended = true));
  child.unref();
  if (child.pid !== undefined) {
    const note = `${child.pid} ${server.stopSignal ?? "SIGTERM"}`;
    writeFileSync(join(folder, "pid"), note);
  }
  const withinMs = server.readyWithinMs ?? readyWithinMs;
  const until = Date.now() + withinMs;
  while (!(await server.ready())) {
    if (!ended && Date.now() < until) {
      await pause(pollMs);
      continue;
    }
    await stop(folder);
    const why = ended ? "ended at once" : `was not ready within ${withinMs / 1_000} s`;
    throw new Error(`${server.name} ${why}:\n${readFileSync(log, "utf8").slice(-logCharsMax)}`);
  }
}

/** Sends a signal to what runs in the folder: SIGSTOP is a partition, SIGCONT its end. */
export function signal(folder: string, name: "SIGSTOP" | "SIGCONT"): void {
  const pid = pidOf(folder);
  if (pid === undefined) throw new Error(`nothing runs in ${folder}`);
  process.kill(-pid, name);
  for (const child of childrenOf(pid)) send(child, name);
}

/** Ends it without a word; it is gone when this resolves. */
export async function kill(folder: string): Promise<void> {
  const pid = pidOf(folder);
  let children: readonly number[] = [];
  if (pid !== undefined) {
    // Whoever is stopped starts nobody while we look.
    process.kill(-pid, "SIGSTOP");
    children = childrenOf(pid);
    process.kill(-pid, "SIGKILL");
  }
  for (const child of children) send(child, "SIGKILL");
  const there = (): boolean => pidOf(folder) !== undefined || (pid !== undefined && unburied(pid));
  while (there() || children.some(alive)) await pause(pollMs);
  rmSync(join(folder, "pid"), { force: true });
}

/** Processes that it has started: those of PostgreSQL each have a group of their own, and would outlive theirs. */
function childrenOf(pid: number): number[] {
  if (!existsSync("/proc/self/stat")) return [];
  const all = readdirSync("/proc").map(Number).filter(Number.isInteger);
  return all.filter((each) => statOf(each)?.parent === pid);
}

/** It has ended, and this process has not heard of that yet: whoever asks for its number still finds it, PostgreSQL before it starts again for one. */
function unburied(pid: number): boolean {
  return statOf(pid)?.parent === process.pid;
}

function alive(pid: number): boolean {
  const state = statOf(pid)?.state;
  return state !== undefined && state !== "Z";
}

function statOf(pid: number): { readonly state: string; readonly parent: number } | undefined {
  try {
    // The name, in parentheses, may hold anything.
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, "latin1")
      .split(") ")
      .at(-1)!
      .split(" ");
    return { state: state!, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

function send(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It is gone.
  }
}

/** Stops what runs in the folder, in order and then by force; it is gone when this resolves. */
export async function stop(folder: string): Promise<void> {
  const pid = pidOf(folder);
  const until = Date.now() + stoppedWithinMs;
  if (pid !== undefined) process.kill(pid, stopSignalOf(folder));
  while (pidOf(folder) !== undefined) {
    if (Date.now() > until) process.kill(-pid!, "SIGKILL");
    await pause(pollMs);
  }
  if (pid !== undefined) endRest(pid);
  rmSync(join(folder, "pid"), { force: true });
}

function stopSignalOf(folder: string): NodeJS.Signals {
  const [, name] = readFileSync(join(folder, "pid"), "utf8").split(" ");
  return name === "SIGINT" ? name : "SIGTERM";
}

/** What a server had beside it ends with it. */
function endRest(group: number): void {
  send(-group, "SIGKILL");
}
