import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** A process that answers one question at a time. */
export interface Child<Question, Answer> {
  /** What it said of itself when it was ready. */
  readonly about: string;
  ask(question: Question): Promise<Answer>;
  /** Ends it and waits until it has ended. */
  end(): Promise<void>;
}

/** Starts `program`, a file beside this one, and waits until it is ready. */
export async function start<Question extends object, Answer>(
  program: string,
  args: readonly string[],
  nodeOptions: readonly string[] = [],
): Promise<Child<Question, Answer>> {
  const process_ = fork(join(import.meta.dirname, program), args, {
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
  };
}

async function next(process_: ChildProcess, program: string): Promise<unknown> {
  const died = new AbortController();
  const exit = once(process_, "exit", { signal: died.signal }).then(([code]) => {
    throw new Error(`${program} ended with ${String(code)} before it answered`);
  });
  try {
    const [message] = (await Promise.race([once(process_, "message"), exit])) as [unknown];
    return message;
  } finally {
    exit.catch(() => {});
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
