import { spawn } from "node:child_process";
import { constants } from "node:os";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
const parentPollMs = 250;

/**
 * Runs a program to its end and answers its exit code (128 + number if a signal ended it). Signals
 * that reach this process go on to the program, which decides how to end. A terminal sends its
 * SIGINT to both; passing that on as well would count as a second one.
 */
export function spawned(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, options);
    const forward = (signal) => {
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    };
    for (const signal of signals) process.on(signal, forward);
    const parent = onParentGone(() => child.kill("SIGTERM"));
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
    child.on("close", () => {
      for (const signal of signals) process.off(signal, forward);
      clearInterval(parent);
    });
  });
}

/** npm passes a signal to the shell between it and us; that dies of it and tells nobody. */
function onParentGone(listener) {
  if (process.env.npm_lifecycle_event === undefined) return undefined;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    listener();
  }, parentPollMs);
  return timer;
}
