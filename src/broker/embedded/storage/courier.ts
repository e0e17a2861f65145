import { Worker } from "node:worker_threads";
import { systemError, type TrunklineError } from "../../../base/error.ts";
import { errorOf } from "./failure.ts";
import type { Answer, Opened, Question, ThreadData, ThreadMessage } from "./messages.ts";
import { OpenBatch, type Sheets } from "./open-batch.ts";

/** Memory of written batches that is kept for later ones. */
const sheetsMax = 4;

/** Who hears what the thread says. */
export interface CourierHost {
  /** A batch is as safe as it asked to be. */
  done(batch: number, freeBytes: number | undefined): void;
  /** Nothing is written any more. */
  failed(error: TrunklineError): void;
}

/** Starts the thread that has the file. @throws TrunklineError when it cannot open it. */
export async function startThread(workerData: ThreadData): Promise<readonly [Worker, Opened]> {
  const name = import.meta.url.endsWith(".ts") ? "./thread.ts" : "./thread.js";
  // Flags of the process are none of its: with `--input-type` it would not even start.
  const options = { workerData, name: "storage", execArgv: [] };
  const thread = new Worker(new URL(name, import.meta.url), options);
  const { promise, resolve, reject } = Promise.withResolvers<Opened>();
  const exited = new Promise<void>((left) => thread.once("exit", () => left()));
  const hear = (message: ThreadMessage): void => {
    if (message.kind === "open") resolve(message);
    else if (message.kind === "failed") reject(errorOf(message.failure, "no"));
  };
  thread.once("error", reject);
  thread.on("message", hear);
  try {
    return [thread, await promise];
  } catch (error) {
    await exited; // then the file is nobody's again
    throw error;
  } finally {
    thread.off("error", reject);
    thread.off("message", hear);
  }
}

/** Takes batches and questions to the thread, one batch at a time, and brings back what it says. */
export class Courier {
  readonly #thread: Worker;
  readonly #host: CourierHost;
  readonly #asked = new Map<number, PromiseWithResolvers<Answer>>();
  readonly #spare: Sheets[] = [];
  readonly #exited: Promise<void>;
  #lastId = 0;
  #failure: TrunklineError | undefined;
  #closing = false;
  /** A batch is with the thread. */
  busy = false;

  constructor(thread: Worker, host: CourierHost) {
    this.#thread = thread;
    this.#host = host;
    this.#exited = new Promise((resolve) => thread.once("exit", () => resolve()));
    thread.on("message", (message: ThreadMessage) => this.#hear(message));
    thread.on("error", (cause) => this.#end(gone(cause)));
    thread.on("exit", () => this.#end(gone()));
  }

  /** An empty batch, in memory that was used before where there is some. */
  sheet(): OpenBatch {
    return new OpenBatch(this.#spare.pop());
  }

  post(number: number, batch: OpenBatch): void {
    this.busy = true;
    const { used, level, size, marks } = batch;
    const numbers = batch.numbers.buffer;
    const bytes = batch.bytes.buffer;
    const halves = Uint32Array.from(marks?.halves ?? []);
    this.#thread.postMessage(
      {
        kind: "batch",
        batch: number,
        level,
        numbers,
        used,
        bytes,
        size,
        marks: marks === undefined ? undefined : { ...marks, halves },
      },
      [numbers, bytes],
    );
  }

  /** @throws TrunklineError when the storage has failed, or is closed. */
  ask(question: Question): Promise<Answer> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const asked = Promise.withResolvers<Answer>();
    const id = ++this.#lastId;
    this.#asked.set(id, asked);
    this.#thread.postMessage({ kind: "ask", id, question });
    return asked.promise;
  }

  /** Lets the thread close the file, when it still can. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#failure === undefined) await this.ask(["close"]).catch(() => {});
    else await this.#thread.terminate();
    await this.#exited;
  }

  #hear(message: ThreadMessage): void {
    if (message.kind === "failed") return this.#end(errorOf(message.failure, "maybe"));
    if (message.kind === "answer") {
      this.#asked.get(message.id)?.resolve(message.answer);
      this.#asked.delete(message.id);
    } else if (message.kind === "done") {
      this.busy = false;
      const { numbers, bytes, batch, freeBytes } = message;
      const sheets = OpenBatch.sheets(numbers, bytes);
      if (sheets !== undefined && this.#spare.length < sheetsMax) this.#spare.push(sheets);
      this.#host.done(batch, freeBytes);
    }
  }

  #end(error: TrunklineError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    for (const asked of this.#asked.values()) asked.reject(error);
    this.#asked.clear();
    if (this.#closing) return;
    this.#host.failed(error);
    void this.#thread.terminate();
  }
}

function gone(cause?: unknown): TrunklineError {
  return systemError("UNAVAILABLE", "The thread that writes the storage has ended.", {
    executed: "maybe",
    advice: "What was confirmed is found when it is opened again.",
    cause,
  });
}
