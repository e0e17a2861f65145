import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { alarmAt } from "../../../base/alarm.ts";
import type { Env } from "../../../base/env.ts";
import type { Mechanism } from "./mechanisms.ts";
import type { Outcome } from "./measured.ts";
import { killAll, started } from "./programs.ts";

/** What starting two processes and asking them may take on a busy machine, before a mechanism is given up. */
const patienceMs = 20_000;

export interface RunTerms {
  readonly mechanism: Mechanism;
  readonly forMs: number;
  /** Hears which share is done. */
  progress(share: number): void;
  /** Ends it at once. */
  readonly interrupted: AbortSignal;
  readonly env: Env;
}

/** Measures one mechanism between processes of its own, all of which have ended when it resolves. */
export async function run(terms: RunTerms): Promise<Outcome> {
  const { mechanism, forMs, env, interrupted } = terms;
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  const asker = started("asker", { mechanism: mechanism.name, folder, forMs }, true);
  let outcome: Outcome = { name: mechanism.name, reason: "it ended before it was measured" };
  asker.on("message", (told: Outcome | { readonly share: number }) => {
    if ("share" in told) terms.progress(told.share);
    else outcome = told;
  });
  const kill = (): void => killAll(asker);
  const alarm = alarmAt(env, env.now() + forMs * 2 + patienceMs, () => {
    outcome = { name: mechanism.name, reason: "it took too long, and was given up" };
    kill();
  });
  interrupted.addEventListener("abort", kill, { once: true });
  if (interrupted.aborted) kill();
  try {
    await once(asker, "exit");
    return outcome;
  } finally {
    env.clear(alarm);
    interrupted.removeEventListener("abort", kill);
    mechanism.remove?.(folder);
    rmSync(folder, { recursive: true, force: true });
  }
}
