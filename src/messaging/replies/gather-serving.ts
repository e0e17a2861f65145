import type { Env } from "../../base/env.ts";
import { isTrunklineError, type TrunklineError } from "../../base/error.ts";
import type { Broker } from "../../broker/broker.ts";
import type { Member } from "../../call/compile.ts";
import { isDeclaredBy } from "../../call/declared-errors.ts";
import { incident } from "../../call/incident.ts";
import { isExpired } from "../message-text.ts";
import type { Received, Work } from "../work.ts";
import { Replier } from "./replier.ts";

/**
 * Answers the questions of a gather for one group. `run` reads the question and runs the handler: it resolves with the answer, or
 * rejects with what the handler threw. Each question is done with one attempt: a failure is an answer too, and after
 * its deadline nobody wants one.
 */
export function gatherWork(
  member: Member,
  group: string,
  run: (message: Received) => Promise<unknown>,
  broker: Broker,
  env: Env,
): Work {
  const served = {
    operation: member.operation,
    incident: (exception: unknown): TrunklineError => incident(exception, member, env),
  };
  const replier = new Replier(broker, served, group, env);
  const failureOf = (thrown: unknown): TrunklineError => {
    if (isDeclaredBy(member, thrown)) return thrown;
    // What was refused before the handler began says so itself; what a handler called says nothing of the handler.
    if (isTrunklineError(thrown) && thrown.executed === "no" && thrown.operation === undefined)
      return thrown;
    return served.incident(thrown);
  };
  return async (message) => {
    const { envelope } = message;
    if (isExpired(envelope, env.wall())) return { kind: "done" };
    const outcome = await run(message).then(
      (output) => ({ output }),
      (thrown: unknown) => ({ failure: failureOf(thrown) }),
    );
    // An answer that cannot be sent is missed, as it would be if it came late.
    await replier.answer(envelope, outcome).catch(() => {});
    return { kind: "done" };
  };
}
