import { getEventListeners } from "node:events";
import { told, type Entry } from "./ledger.ts";
import { isCalm, tickMs } from "./plan.ts";
import type { Scene } from "./scene.ts";
import { secret } from "./secret.ts";
import type { Stage } from "./stage.ts";

/** The promises that are kept or broken once all is over: what each caller was told against what happened. */
export function checkEntries(stage: Stage): void {
  for (const entry of stage.ledger.entries.values()) {
    for (const wrong of [truth(stage, entry), inTime(stage, entry), reason(stage, entry)]) {
      if (wrong === undefined) continue;
      const outcome = entry.outcome === undefined ? "" : ` [${told(entry.outcome)}]`;
      stage.ledger.complain(`${entry.member} ${entry.id}: ${wrong}${outcome}`);
    }
  }
}

/** Who gives up, or sends what cannot be sent, does not know what has run. */
const unsure = new Set([
  "CANCELLED",
  "DEADLINE_EXCEEDED",
  "INVALID_ARGUMENT",
  "RESOURCE_EXHAUSTED",
]);

/** `executed` says what the handler did. */
function truth(stage: Stage, entry: Entry): string | undefined {
  const { runs, outcome, settledAt, env } = entry;
  if (runs.length > 1) return `ran ${runs.length} times`;
  if (outcome === undefined) return env.alive ? "never settled" : undefined;
  const [run] = runs;
  const ended = run?.endedAt !== undefined && run.endedAt <= settledAt!;
  const failure = outcome.ok ? undefined : outcome.error;
  if (entry.late && !(failure?.executed === "no" && settledAt === entry.startedAt))
    return "went over a connection that had ended, and was not refused at once";
  if (outcome.ok) {
    if (entry.member === "note" || outcome.left || ended) return undefined;
    return "succeeded, but its handler had not ended";
  }
  const { executed, code } = outcome.error;
  if (executed === "no" && run !== undefined) return "executed: no, but it ran";
  if (executed === "no" && entry.taken > 0) return "executed: no, but items came";
  const closing = entry.back && stage.plan.habits.has("closes");
  const misread = unchecked(stage, entry) && code === "INTERNAL";
  if (executed === "maybe" && stage.calm && !unsure.has(code) && !closing && !misread)
    return "nothing was in the way, and yet nobody knows whether it ran";
  if (executed === "yes" && !ended) return "executed: yes, but it had not ended";
  if (executed !== "no" && entry.refusals > 0 && failure?.reason === "not in the mood")
    return "its handler refused it, but it says more than no";
  return undefined;
}

/** A call has settled when its deadline is over; who gives up waits for nothing. */
function inTime(stage: Stage, entry: Entry): string | undefined {
  const { settledAt, env, dueAt, cancelledAt } = entry;
  if (settledAt === undefined) return undefined;
  const { ledger } = stage;
  // A stream's times are looked at with each item; what was accepted ends by its total only.
  const accepted = entry.sending?.openedAt !== undefined;
  const due = reads(entry) ? Infinity : Math.min(accepted ? Infinity : dueAt, entry.totalAt);
  const late = settledAt - ledger.latest(env, due + tickMs);
  if (late > 0.01) return `settled ${late.toFixed(2)} ms after its deadline`;
  if (reads(entry)) return undefined;
  const quietMs = settledAt - quietUntil(stage, entry);
  if (quietMs > 0.01) return `settled ${quietMs.toFixed(2)} ms after it was idle for too long`;
  const idle = settledAt - ledger.latest(env, cancelledAt);
  return idle > 0.01 ? `settled ${idle.toFixed(2)} ms after it was cancelled` : undefined;
}

/** Whether it is the caller who finds out that what came is not what the contract says: its peer checks nothing that it sends. */
function unchecked({ plan }: Stage, { back, end }: Entry): boolean {
  return back && end === "invalid" && plan.habits.has("unchecked");
}

/** Where a caller reads items its own pace counts too. */
function reads({ member }: Entry): boolean {
  return member === "flow" || member === "talk" || member === "chat";
}

/** By when an upload has failed because nothing comes from its server; known only where news do not get lost. */
function quietUntil(stage: Stage, { env, sending, idleMs }: Entry): number {
  if (!stage.calm || sending?.openedAt === undefined || sending.asked) return Infinity;
  const { openedAt, givenAt, receivedAt } = sending;
  const heardAt = Math.max(openedAt, givenAt, receivedAt + stage.wayMs);
  return stage.ledger.latest(env, heardAt + idleMs + 2 * tickMs);
}

/** Every failure has a reason in what was drawn. */
function reason(stage: Stage, entry: Entry): string | undefined {
  const { outcome, end, parent, hops, sending } = entry;
  if (outcome === undefined || outcome.ok) return undefined;
  const { error } = outcome;
  const { plan } = stage;
  if (error.message.includes(secret) || JSON.stringify(error).includes(secret))
    return "tells the caller what the handler threw";
  if (error.operation === undefined || error.endpoint === undefined) return "does not say where";
  switch (error.code) {
    case "SOLD_OUT": {
      if (end !== "declared") return "the handler did not fail like this";
      const data = error.data as { id?: unknown; mark?: unknown };
      const right = data.id === entry.id && data.mark === `${entry.id}+` && error.declared;
      return right ? undefined : `carries ${JSON.stringify(data)}`;
    }
    case "PERMISSION_DENIED":
      if (!plan.habits.has("doorkeepers")) return "nobody was asked";
      return error.executed === "no" ? undefined : "who was not let in has not run";
    case "INTERNAL":
      if (error.executed === "no" && plan.habits.has("doorkeepers"))
        return stage.ledger.incidents.get(error.id ?? "") === 1
          ? undefined
          : "was not reported once under its id";
      if (end !== "throw" && end !== "invalid" && !hops) return "its handler did not throw";
      if (unchecked(stage, entry)) return undefined;
      if (error.executed !== "yes") return "a handler that threw has run";
      return stage.ledger.incidents.get(error.id ?? "") === 1
        ? undefined
        : "was not reported once under its id";
    case "DEADLINE_EXCEEDED":
      if (reads(entry)) return undefined;
      if (entry.settledAt! >= Math.min(entry.totalAt, entry.dueAt) - 0.01) return undefined;
      if (sending === undefined || sending.asked) return "before its deadline";
      return entry.settledAt! >= sending.givenAt + entry.idleMs ? undefined : "before its time";
    case "INVALID_ARGUMENT": {
      const executed = plan.habits.has("unchecked") ? "yes" : "maybe";
      if (sending === undefined || sending.given <= sending.giving.invalidAt)
        return "nothing was wrong with it";
      return error.executed === executed ? undefined : "that is not so";
    }
    case "CANCELLED":
      if (sending?.failed === true && error.cause === sending.failure) return undefined;
      if (entry.cancelledAt <= entry.settledAt! || parent !== undefined) return undefined;
      return plan.habits.has("closes") ? undefined : "nobody had cancelled it";
    case "RESOURCE_EXHAUSTED":
      if (entry.refusals > 0) return undefined;
      if (plan.habits.has("narrowItems") && plan.habits.has("largeItems")) return undefined;
      return plan.habits.has("fewInFlight") || plan.habits.has("fewOutstanding")
        ? undefined
        : "nothing was exhausted";
    case "UNAVAILABLE":
      return unavailability(stage, entry, error.executed);
    default:
      return "nothing here fails like this";
  }
}

function unavailability(stage: Stage, entry: Entry, executed: string): string | undefined {
  const { plan } = stage;
  // Not everybody serves, and the way back is over when its client has been closed.
  if (entry.back && (executed === "no" || plan.habits.has("closes"))) return undefined;
  if (isCalm(plan) && plan.connectWaitMs > 20 * plan.latency.meanMs)
    return "but nothing was wrong with server and network";
  if (stage.onlyRestarts && stage.cut === 0 && executed !== "no" && !reads(entry))
    return "but servers stopped in order, and cut nothing";
  return undefined;
}

/** Who is told to stop does so at once, where nothing is in the way: the news takes no longer than the network. */
export function checkPrompt(stage: Stage): void {
  const { plan, ledger } = stage;
  if (!isCalm(plan) && !stage.onlyRestarts) return;
  const { wayMs } = stage;
  for (const entry of ledger.entries.values()) {
    const [run] = entry.runs;
    const idle = entry.settledAt! - Math.max(entry.startedAt, unwantedAt(entry, wayMs));
    // Who reads items notices with the next one that it asks for.
    if (idle > wayMs && !reads(entry))
      ledger.complain(
        `${entry.id} goes on for ${idle.toFixed(2)} ms after its parent was cancelled`,
      );
    if (entry.settledAt === undefined || run === undefined || entry.member === "note") continue;
    if (!entry.heeds || entry.hops) continue;
    if (run.endedAt === undefined && !run.env.alive) continue; // it ended with its process
    const late = (run.endedAt ?? Infinity) - entry.settledAt - wayMs;
    // A producer that is not told while it waits for its next item notices with it.
    if (late > 0) ledger.complain(`${entry.id}: its handler ends ${late.toFixed(2)} ms too late`);
  }
}

/** When the news arrives that who asked for the work which this call is a part of has given up. */
function unwantedAt({ parent }: Entry, wayMs: number): number {
  if (parent === undefined) return Infinity;
  return Math.min(parent.cancelledAt, unwantedAt(parent, wayMs)) + wayMs;
}

/** Nobody works for a caller that is gone. */
export function checkHandlers(stage: Stage): void {
  for (const { id, runs } of stage.ledger.entries.values()) {
    for (const run of runs) {
      if (run.env.alive && run.endedAt === undefined)
        stage.ledger.complain(`${id} still runs in ${run.env.name}`);
    }
  }
}

/** After everything was closed nothing is left behind. */
export function checkNothingLeft({ stage, clients, servers }: Scene): void {
  const { ledger, network } = stage;
  const envs = [...clients.map(({ env }) => env), ...servers.flatMap(({ env }) => env ?? [])];
  for (const env of envs) {
    if (env.alive && env.alarms > 0)
      ledger.complain(`${env.alarms} alarms are still set in ${env.name}`);
  }
  for (const end of network.ends) {
    if (end.env.alive) ledger.complain(`connection ${end.id} is still open in ${end.env.name}`);
    else if (end.held > 0) ledger.complain(`frames wait in connection ${end.id}`);
  }
  for (const place of network.listeners) ledger.complain(`somebody still listens at ${place}`);
  for (const client of clients) {
    const listening = client.signals.filter(
      (signal) => getEventListeners(signal, "abort").length > 0,
    ).length;
    if (listening > 0) ledger.complain(`${listening} signals are still listened to`);
  }
}
