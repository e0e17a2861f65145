import { spawn, type ChildProcess } from "node:child_process";

import { alarmAt } from "../base/alarm.ts";
import { backoff } from "../base/backoff.ts";
import type { Env } from "../base/env.ts";
import { uuidv7 } from "../base/id.ts";
import type { Alarm } from "../base/timer-wheel.ts";

/** After which waits a program is started again that has ended, and how long it must have run to be taken for a good one. */
const again = { baseMs: 1_000, capMs: 30_000 };
const goodMs = 60_000;

/** A program that is started, and started again whenever it ends. What it prints goes where our errors go. */
export class Child {
  readonly command: readonly string[];
  readonly #changed: (problem?: string) => void;
  readonly #env: Env;
  #process: ChildProcess | undefined;
  #bootId: string | undefined;
  #failures = 0;
  #alarm: Alarm | undefined;
  #stopped: (() => void) | undefined;

  /** `changed` hears when it has ended, with the reason, and when it runs again. */
  constructor(command: readonly string[], changed: (problem?: string) => void, env: Env) {
    this.command = command;
    this.#changed = changed;
    this.#env = env;
    this.#start();
  }

  /** Tells one run from the next; undefined while it does not run. */
  get bootId(): string | undefined {
    return this.#bootId;
  }

  /** Asks it to stop, and kills it when that takes too long. */
  stop(withinMs: number): Promise<void> {
    if (this.#alarm !== undefined) this.#env.clear(this.#alarm);
    const running = this.#process;
    return new Promise((resolve) => {
      this.#stopped = resolve;
      if (running === undefined) return resolve();
      this.#alarm = alarmAt(this.#env, this.#env.now() + withinMs, () => running.kill("SIGKILL"));
      running.kill("SIGTERM");
    });
  }

  #start(): void {
    const [program = "", ...args] = this.command;
    const startedAt = this.#env.now();
    const child = spawn(program, args, { stdio: ["ignore", 2, 2] });
    this.#process = child;
    child.on("spawn", () => {
      this.#bootId = uuidv7(this.#env);
      this.#changed();
    });
    const ended = (how: string): void => {
      if (this.#process !== child) return;
      this.#process = undefined;
      this.#bootId = undefined;
      if (this.#stopped !== undefined) {
        this.#env.clear(this.#alarm!);
        return this.#stopped();
      }
      this.#failures = this.#env.now() - startedAt < goodMs ? this.#failures + 1 : 1;
      const waitMs = backoff(this.#failures - 1, again, () => this.#env.random());
      this.#alarm = alarmAt(this.#env, this.#env.now() + waitMs, () => this.#start());
      this.#changed(`${how}; it is started again in ${Math.round(waitMs)} ms`);
    };
    child.on("exit", (code, signal) => ended(`${program} ended by ${signal ?? `code ${code}`}`));
    child.on("error", (error) => ended(error.message));
  }
}
