import { deepEqual, equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import { sleep } from "../base/alarm.ts";
import type { TrunklineError } from "../base/error.ts";
import { VirtualEnv } from "../base/virtual-env.ts";
import { ringHash } from "../discovery/balancing/ring-hash.ts";
import { CallJob } from "./job.ts";
import { KeyTurns } from "./key-turns.ts";
import { Lab, operationOf } from "./testing/lab.ts";
import { answers, failsWith, ScriptedCaller, type Act } from "./testing/scripted-caller.ts";

const inTurn = operationOf(false, "inTurn", "call", "lane");

/** Endpoints that note what they are sent: `act` says what the nth request of one input comes to. */
function stage(act: (id: string, nth: number) => Act, endpoints: number = 1) {
  const env = new VirtualEnv();
  const came: string[] = [];
  const callers = Array.from({ length: endpoints }, (_, index) => {
    const caller = new ScriptedCaller(`tcp://h${index}:1`, env, (_attempt, _count, input) => {
      const { id } = input as { id: string };
      came.push(id);
      return act(id, came.filter((each) => each === id).length);
    });
    return caller;
  });
  const lab = new Lab(env, callers, { balancer: ringHash() });
  const ask = (id: string, lane: string | null = "a", withinMs?: number) =>
    lab.ask(inTurn, { id, lane }, withinMs).then(
      () => "ok",
      (failure: TrunklineError) => failure,
    );
  return { env, came, lab, ask };
}

const refused = (afterMs: number = 1): Act => failsWith("RESOURCE_EXHAUSTED", "no", afterMs);

/** Refused, and to come again much later. */
const sentAway: Act = failsWith("RESOURCE_EXHAUSTED", "no", 1, { retryAfterMs: 400 });

/** So long after it was asked a request has been sent away, and has not come again. */
const soonMs = 100;

test("a request that is tried again keeps its place: later ones of its key wait behind it", async () => {
  const { came, ask, lab, env } = stage((id, nth) =>
    id === "0" && nth < 3 ? sentAway : answers("done"),
  );
  const first = ask("0");
  await sleep(env, soonMs);
  deepEqual(await Promise.all([first, ask("1"), ask("2")]), ["ok", "ok", "ok"]);
  deepEqual(came, ["0", "0", "0", "1", "2"]);
  equal(lab.held, 0);
});

test("requests of other keys, and those without one, wait for nobody", async () => {
  const { came, ask, env } = stage((id, nth) =>
    id === "0" && nth < 3 ? sentAway : answers("done"),
  );
  const first = ask("0");
  await sleep(env, soonMs);
  await Promise.all([first, ask("1", "b"), ask("2", null)]);
  deepEqual(came, ["0", "1", "2", "0", "0"]);
});

test("requests that were refused one after the other come again in their order", async () => {
  const { came, ask } = stage((_, nth) => (nth === 1 ? refused() : answers("done")));
  const ids = ["0", "1", "2", "3", "4"];
  for (const told of await Promise.all(ids.map((id) => ask(id)))) equal(told, "ok");
  deepEqual(came, [...ids, ...ids]);
});

test("a request is not sent again when a later one has run, and is told why", async () => {
  const { came, ask, lab } = stage((id) => (id === "0" ? refused(5) : answers("done", 1)));
  const [first, second] = await Promise.all([ask("0"), ask("1")]);
  equal(second, "ok");
  deepEqual(came, ["0", "1"]);
  equal((first as TrunklineError).executed, "no");
  match((first as TrunklineError).message, /a later request of its key/);
  equal(lab.held, 0);
});

test("nor when a later one perhaps ran, nor while it takes long", async () => {
  const { came, ask, env } = stage((id) => {
    if (id === "0") return refused();
    return id === "1" ? failsWith("UNAVAILABLE", "maybe", 3) : "silence";
  });
  await Promise.all([ask("0"), ask("1")]);
  deepEqual(came, ["0", "1"]);
  const from = env.now();
  const [first] = await Promise.all([ask("0"), ask("2", "a", 5_000).then(() => "late")]);
  match((first as TrunklineError).message, /a later request of its key/);
  deepEqual(came, ["0", "1", "0", "2"]);
  ok(env.now() - from >= 5_000);
});

test("who waits behind another can be given up, and waits no longer than its time", async () => {
  const { came, ask, lab, env } = stage((id) => (id === "0" ? sentAway : answers("done")));
  const first = ask("0", "a", 2_000);
  await sleep(env, soonMs);
  const late = (await ask("1", "a", 50)) as TrunklineError;
  deepEqual([late.code, late.executed], ["DEADLINE_EXCEEDED", "no"]);
  match(late.message, /an earlier request of its key/);
  const attempt = lab.attempt();
  const given = lab.pipeline.call(inTurn, { id: "2", lane: "a" }, attempt).catch((e: unknown) => e);
  attempt.cancel("caller");
  equal(((await given) as TrunklineError).code, "CANCELLED");
  await first;
  equal(await ask("3"), "ok");
  deepEqual(came, ["0", "0", "0", "3"]);
  equal(lab.held, 0);
});

test("many of one key that wait go on in their order", async () => {
  const { came, ask, env } = stage((id, nth) =>
    id === "0" && nth === 1 ? sentAway : answers("done"),
  );
  const first = ask("0");
  await sleep(env, soonMs);
  const ids = Array.from({ length: 2_000 }, (_, n) => `${n + 1}`);
  await Promise.all([first, ...ids.map((id) => ask(id))]);
  deepEqual(came, ["0", "0", ...ids]);
});

test("where requests go wherever there is room there is no order to keep, unless one place is asked for", async () => {
  const act = (id: string, nth: number): Act =>
    id === "0" && nth === 1 ? refused(3) : answers("done");
  const free = stage(act, 3);
  deepEqual(await Promise.all([free.ask("0"), free.ask("1")]), ["ok", "ok"]);
  const bound = stage(act, 3);
  const ask = (id: string): Promise<unknown> => {
    const attempt = bound.lab.attempt();
    attempt.hashKey = "a";
    return bound.lab.pipeline.call(inTurn, { id, lane: "a" }, attempt).catch((e: unknown) => e);
  };
  const [first] = await Promise.all([ask("0"), ask("1")]);
  match((first as TrunklineError).message, /a later request of its key/);
});

test("nothing is kept of a key that has no requests under way", () => {
  const turns = new KeyTurns();
  const join = (key: string, lane: string) => turns.join(new CallJob(inTurn, { lane: key }), lane)!;
  const joined = [join("a", "main"), join("a", "main"), join("a", "blue"), join("b", "main")];
  equal(turns.size, 3);
  for (const turn of joined) turn.leave();
  equal(turns.size, 0);
});
