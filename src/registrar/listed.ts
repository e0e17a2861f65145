import { readFile } from "node:fs/promises";

import { alarmAt } from "../base/alarm.ts";
import type { Env } from "../base/env.ts";
import { isTrunklineError } from "../base/error.ts";
import type { Alarm } from "../base/timer-wheel.ts";
import { hasEnded, processOf, type Owner } from "../base/process-owner.ts";
import { Child } from "./child.ts";
import { readEntries, type Entry } from "./entries.ts";
import type { Target, TargetSource } from "./target.ts";

export interface ListedOptions {
  /** How often the file and the processes are looked at, in milliseconds. Default 1,000. */
  readonly pollMs?: number;
  /** How long a process that was started may take to stop, in milliseconds, before it is killed. Default 10,000. */
  readonly stopMs?: number;
}

/**
 * The targets in a file of JSON: addresses, processes by their pid, and programs that are started and kept running. The file may
 * change; one that cannot be read is refused with its reason, while what was there before goes on.
 */
export function listed(path: string, options: ListedOptions = {}): TargetSource {
  return new Listed(path, options);
}

class Listed implements TargetSource {
  readonly name: string;
  readonly #pollMs: number;
  readonly #stopMs: number;
  #entries: readonly Entry[] = [];
  #text: string | undefined;
  #failed = false;
  readonly #children: Map<string, Child> = new Map();
  readonly #processes: Map<number, Owner> = new Map();
  #told = "";
  #alarm: Alarm | undefined;
  #env: Env | undefined;
  #looking: Promise<void> = Promise.resolve();
  #closed = false;
  #tell: (targets: readonly Target[]) => void = () => {};
  #problem: (reason: string) => void = () => {};

  constructor(path: string, { pollMs = 1_000, stopMs = 10_000 }: ListedOptions) {
    this.name = path;
    this.#pollMs = pollMs;
    this.#stopMs = stopMs;
  }

  follow(
    tell: (targets: readonly Target[]) => void,
    problem: (reason: string) => void,
    env: Env,
  ): void {
    this.#tell = tell;
    this.#problem = problem;
    this.#env = env;
    this.#looking = this.#look();
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#alarm !== undefined) this.#env?.clear(this.#alarm);
    await this.#looking;
    await Promise.all([...this.#children.values()].map((child) => child.stop(this.#stopMs)));
  }

  async #look(): Promise<void> {
    const env = this.#env!;
    try {
      const text = await readFile(this.name, "utf8");
      if (text !== this.#text) {
        this.#text = text;
        this.#take(readEntries(text));
      }
      this.#failed = false;
    } catch (error) {
      if (!this.#failed || isTrunklineError(error)) this.#problem(told(error));
      this.#failed = true;
    }
    if (this.#closed) return;
    this.#changed();
    this.#alarm = alarmAt(env, env.now() + this.#pollMs, () => {
      this.#looking = this.#look();
    });
  }

  #take(entries: readonly Entry[]): void {
    if (this.#closed) return;
    this.#entries = entries;
    const commands = new Map(entries.map(({ id, command }) => [id, command]));
    for (const [id, child] of this.#children) {
      if (JSON.stringify(commands.get(id)) === JSON.stringify(child.command)) continue;
      this.#children.delete(id);
      void child.stop(this.#stopMs);
    }
    for (const [id, command] of commands) {
      if (command === undefined || this.#children.has(id)) continue;
      const changed = (problem?: string): void => {
        if (problem !== undefined) this.#problem(`${id}: ${problem}`);
        if (!this.#closed) this.#changed();
      };
      this.#children.set(id, new Child(command, changed, this.#env!));
    }
  }

  /** Tells the targets whose processes live, if they are others than before. */
  #changed(): void {
    const targets = this.#entries.flatMap((entry) => this.#targetOf(entry) ?? []);
    const found = JSON.stringify(targets);
    if (found === this.#told) return;
    this.#told = found;
    this.#tell(targets);
  }

  #targetOf({ pid, command, ...rest }: Entry): Target | undefined {
    if (command !== undefined) {
      const bootId = this.#children.get(rest.id)?.bootId;
      return bootId === undefined ? undefined : { ...rest, bootId };
    }
    // Of what is only an address nobody knows how often it was started.
    if (pid === undefined) return { ...rest, bootId: `listed-${rest.id}` };
    let owner = this.#processes.get(pid);
    if (owner === undefined || hasEnded(owner, true)) owner = processOf(pid);
    if (owner === undefined) {
      this.#processes.delete(pid);
      return undefined;
    }
    this.#processes.set(pid, owner);
    return { ...rest, bootId: `${owner.pids}-${pid}-${owner.started}` };
  }
}

function told(error: unknown): string {
  if (isTrunklineError(error)) return [error.reason, error.advice ?? []].flat().join("; ");
  return error instanceof Error ? error.message : String(error);
}
