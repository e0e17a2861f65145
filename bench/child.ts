import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";

/** No question takes as long; a process that has not answered by then hangs. */
const answersWithinMs = 120_000;

/** A process that answers one question at a time. */
export interface Child<Question, Answer> {
  /** What it said of itself when it was ready. */
  readonly about: string;
  ask(question: Question): Promise<Answer>;
  /** Ends it and waits until it has ended. */
  end(): Promise<void>;
  /** Sends a signal; resolves with the exit code, null after SIGKILL. What has not ended in time is killed. */
  kill(signal: NodeJS.Signals, withinMs: number): Promise<number | null>;
}

/** Starts `program`, a file beside this one or a path, and waits until it is ready. */
export async function start<Question extends object, Answer>(
  program: string,
  args: readonly string[],
  nodeOptions: readonly string[] = [],
): Promise<Child<Question, Answer>> {
  const process_ = fork(resolve(import.meta.dirname, program), args, {
    execArgv: [...process.execArgv, ...nodeOptions],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const about = (await next(process_, program)) as string;
  return {
    about,
    async ask(question) {
      const given = next(process_, program);
      process_.send(question);
      return (await given) as Answer;
    },
    async end() {
      const ended = once(process_, "exit");
      process_.disconnect();
      await ended;
    },
    async kill(signal, withinMs) {
      const ended = once(process_, "exit");
      const late = setTimeout(() => process_.kill("SIGKILL"), withinMs);
      process_.kill(signal);
      const [code] = (await ended) as [number | null];
      clearTimeout(late);
      return code;
    },
  };
}

async function next(process_: ChildProcess, program: string): Promise<unknown> {
  const died = new AbortController();
  const { promise: hangs, reject } = Promise.withResolvers<never>();
  const late = setTimeout(() => reject(new Error(`${program} does not answer`)), answersWithinMs);
  const exit = once(process_, "exit", { signal: died.signal }).then(([code]) => {
    throw new Error(`${program} ended with ${String(code)} before it answered`);
  });
  try {
    const [message] = (await Promise.race([once(process_, "message"), exit, hangs])) as [unknown];
    return message;
  } finally {
    exit.catch(() => {});
    clearTimeout(late);
    died.abort();
  }
}

/** The other side of `start`: says that it is ready, and something about itself, answers, and ends with its parent. */
export function answer(to: (question: never) => Promise<unknown>, about: string = ""): void {
  process.on("message", (question) => {
    void to(question as never).then((given) => process.send!(given as object));
  });
  process.on("disconnect", () => process.exit());
  process.send!(about);
}
