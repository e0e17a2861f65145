import type { ChildProcess } from "node:child_process";

import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import type { Alarm } from "../../base/timer-wheel.ts";
import type { PipesEnd, PipeStream } from "./pipe-stream.ts";

/**
 * How long, in milliseconds, a child that has closed its pipes may take to exit before its end is told without a reason:
 * mostly it is just exiting, and then the exit code says more.
 */
const reasonMs = 250;

/**
 * Sees to it that the child and its connection end together, that neither is left behind, and that the end is told with
 * its reason.
 */
export class ChildExit {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #stream: PipeStream;
  readonly #exitMs: number;
  readonly #env: Env;
  #alarm: Alarm | undefined;
  /** How the child has ended. */
  #exit: Error | undefined;
  /** How the pipes have ended. */
  #end: PipesEnd | undefined;
  #told = false;

  constructor(child: ChildProcess, command: string, stream: PipeStream, exitMs: number, env: Env) {
    this.#child = child;
    this.#name = `the child process ${child.pid} (${command})`;
    this.#stream = stream;
    this.#exitMs = exitMs;
    this.#env = env;
    child.once("exit", (code, signal) => this.#exited(code, signal));
  }

  /** Both pipes are closed. */
  pipesOver(end: PipesEnd): void {
    this.#end = end;
    if (this.#exit !== undefined) return this.#tell();
    if (end === "destroyed") {
      this.#tell();
      this.#terminate();
      return;
    }
    this.#after(reasonMs, () => {
      this.#tell();
      this.#after(this.#exitMs, () => this.#terminate());
    });
  }

  #exited(code: number | null, signal: NodeJS.Signals | null): void {
    const how = signal === null ? `exited with code ${code}` : `was killed by ${signal}`;
    this.#exit = new Error(`${this.#name} ${how}`);
    this.#clear();
    if (this.#end !== undefined) return this.#tell();
    this.#stream.stopWriting();
    // What it has sent before is still read; but somebody else, a child of its own, may hold the pipe open for ever.
    this.#after(this.#exitMs, () => this.#stream.destroy());
  }

  /** The last word of the stream, once. */
  #tell(): void {
    this.#clear();
    if (this.#told) return;
    this.#told = true;
    const end = this.#end!;
    if (end === "done") this.#stream.close(undefined);
    else if (this.#exit !== undefined) this.#stream.close(this.#exit);
    else this.#stream.close(new Error(`${this.#name} has closed its pipes`, { cause: end }));
  }

  #terminate(): void {
    this.#child.kill("SIGTERM");
    this.#after(this.#exitMs, () => this.#child.kill("SIGKILL"));
  }

  #after(delayMs: number, work: () => void): void {
    this.#clear();
    this.#alarm = alarmAt(this.#env, this.#env.now() + delayMs, work);
  }

  #clear(): void {
    if (this.#alarm !== undefined) this.#env.clear(this.#alarm);
    this.#alarm = undefined;
  }
}
