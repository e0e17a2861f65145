import type { CallOptions } from "../call/client-type.ts";
import type { Line, Option } from "./command.ts";

/** The option that commands have which ask a process. */
export const deadlineOption: Readonly<Record<"deadline", Option>> = {
  deadline: { value: "DURATION", about: "how long to wait: 200ms, 5s, 2m; default 10s" },
};

/** Deadline and Ctrl-C of whatever is asked on behalf of the command line. */
export function deadlineOf(line: Line): CallOptions {
  const deadline = line.durationMs("deadline");
  return { signal: line.terminal.interrupted, ...(deadline === undefined ? {} : { deadline }) };
}
