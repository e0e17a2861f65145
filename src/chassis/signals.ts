import { platform } from "node:os";

import type { Place, Problem } from "./problems.ts";

/** Signals that are free for programs. SIGUSR1 is Node's own too: it opens the debugger where nobody listens to it. */
export type SpareSignal = "SIGHUP" | "SIGUSR1" | "SIGUSR2";

/** Which signals a process listens to. */
export interface SignalOptions {
  /** SIGTERM and SIGINT stop it in order, a second one at once. Default true. */
  readonly stop?: boolean;
  /**
   * What drains it without hurry and then ends it (`stop({ unhurried: true })`); `true` is SIGUSR2. SIGTERM then hurries it as ever. Default false: the
   * signal does what the system has it do, and ends the process at once.
   */
  readonly drain?: boolean | SpareSignal;
  /**
   * What has it read again what may have changed (`app.reload()`); `true` is SIGHUP. Leave it alone where a person runs it in a terminal, whose
   * end sends SIGHUP too. Default false: the signal ends the process.
   */
  readonly reload?: boolean | SpareSignal;
}

/** What signals come to. */
export interface SignalActs {
  readonly stop: () => void;
  readonly force: () => void;
  readonly drain: () => void;
  readonly reload: () => void;
}

type Listened = readonly (readonly [signal: NodeJS.Signals, act: () => void])[];

const spare: readonly SpareSignal[] = ["SIGHUP", "SIGUSR1", "SIGUSR2"];

/** The signals by which a supervisor or a person asks a process to stop. */
const stopSignals = ["SIGTERM", "SIGINT"] as const;

/** Listens as the options say; returns how to stop that. */
export function onSignals(asked: boolean | SignalOptions, acts: SignalActs): () => void {
  const { stop = true } = optionsOf(asked);
  const named = namedBy(asked).map(([which, signal]) => [signal, acts[which]] as const);
  return listen([...(stop ? stopping(acts.stop, acts.force) : []), ...named]);
}

/** What keeps the signals from meaning what the options say. */
export function signalProblems(
  asked: boolean | SignalOptions,
  places: readonly Place[],
): Problem[] {
  const named = namedBy(asked);
  const problems: string[] = [];
  if (named.length > 0 && platform() === "win32")
    problems.push(
      "Windows has no signals to drain or reload by.\n     → call app.stop(), app.reload()",
    );
  const [[first, one] = [], [second, other] = []] = named;
  if (one !== undefined && one === other)
    problems.push(`${one} is to ${first} and to ${second}.\n     → name another one`);
  for (const [which, signal] of named) {
    if (!spare.includes(signal))
      problems.push(`signals.${which} is ${signal}.\n     → write one of ${spare.join(", ")}`);
    const heard = places.find(
      ({ address }) => address.transport === "signal" && at(address) === signal,
    );
    if (heard !== undefined)
      problems.push(
        `${signal} is to ${which}, and is a notification at ${heard.address.text}.\n     → take another one`,
      );
  }
  return problems.map((text) => ({ text, code: "INVALID_ARGUMENT" }));
}

/** The signal of an address. */
function at({ parameters }: Place["address"]): string {
  return parameters?.["signal"] ?? "SIGUSR2";
}

function optionsOf(asked: boolean | SignalOptions): SignalOptions {
  return typeof asked === "boolean" ? { stop: asked } : asked;
}

/** What is to drain, and what to reload. */
function namedBy(asked: boolean | SignalOptions): (readonly ["drain" | "reload", SpareSignal])[] {
  const { drain = false, reload = false } = optionsOf(asked);
  return [
    ...(drain === false ? [] : [["drain", drain === true ? "SIGUSR2" : drain] as const]),
    ...(reload === false ? [] : [["reload", reload === true ? "SIGHUP" : reload] as const]),
  ];
}

function stopping(first: () => void, second: () => void): Listened {
  let asked = false;
  const heard = (): void => {
    if (asked) second();
    else first();
    asked = true;
  };
  return stopSignals.map((signal) => [signal, heard] as const);
}

function listen(all: Listened): () => void {
  for (const [signal, act] of all) process.on(signal, act);
  return () => {
    for (const [signal, act] of all) process.off(signal, act);
  };
}
