import { fork, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** No process of the storm is longer in coming up, or in answering. */
const readyWithinMs = 30_000;
/** A process that has not ended by then after SIGTERM is killed. */
const endsWithinMs = 15_000;

/** A process of the storm: ends with this one, whatever ends this one. */
export class Child implements AsyncDisposable {
  readonly #process: ChildProcess;
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;

  private constructor(process_: ChildProcess) {
    this.#process = process_;
    const { promise, resolve } = Promise.withResolvers<number | NodeJS.Signals>();
    process_.once("exit", (code, signal) => resolve(code ?? signal!));
    this.ended = promise;
  }

  /** Starts a program of this folder, and waits until it says that it is ready. */
  static async start(program: string, args: readonly string[]): Promise<Child> {
    const file = fileURLToPath(new URL(program, import.meta.url));
    const process_ = fork(file, args, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    const child = new Child(process_);
    await child.answer();
    return child;
  }

  get pid(): number {
    return this.#process.pid!;
  }

  send(message: number | string): void {
    this.#process.send(message);
  }

  /** The next message from it. */
  async answer(): Promise<unknown> {
    const over = new AbortController();
    const late = AbortSignal.timeout(readyWithinMs);
    const signal = AbortSignal.any([over.signal, late]);
    const died = this.ended.then((how): never => {
      throw new Error(`a process of the storm ended by ${how} before it answered`);
    });
    try {
      const [message] = (await Promise.race([
        once(this.#process, "message", { signal }),
        died,
      ])) as [unknown];
      return message;
    } finally {
      died.catch(() => {});
      over.abort();
    }
  }

  /** At once and without a word. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.ended;
  }

  /** As a supervisor does it; false when it had to be killed after all. */
  async stop(): Promise<boolean> {
    let ended = true;
    const late = setTimeout(() => {
      ended = false;
      this.#process.kill("SIGKILL");
    }, endsWithinMs);
    this.#process.kill("SIGTERM");
    await this.ended;
    clearTimeout(late);
    return ended;
  }

  /** Stands still for so long. A shell sees to it, so that it goes on, and sees that we are gone, even if we are killed meanwhile. */
  async freeze(ms: number): Promise<void> {
    const { pid } = this;
    const shell = spawn("sh", ["-c", `kill -STOP ${pid}; sleep ${ms / 1_000}; kill -CONT ${pid}`], {
      stdio: "ignore",
    });
    await once(shell, "exit");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  /** For `process.on("exit")`, where nothing can be waited for. */
  drop(): void {
    this.#process.kill("SIGKILL");
  }
}
