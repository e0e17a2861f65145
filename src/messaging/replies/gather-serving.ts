import type { Env } from "../../base/env.ts";
import { isTrunklineError, type TrunklineError } from "../../base/error.ts";
import type { Broker } from "../../broker/broker.ts";
import type { Member } from "../../call/compile.ts";
import { isDeclaredBy } from "../../call/declared-errors.ts";
import { incident } from "../../call/incident.ts";
import type { Answered } from "../message-work.ts";
import type { Received } from "../work.ts";
import { Replier } from "./replier.ts";

/**
 * Sends what the handlers of a gather say, each for its group, to who has asked. Each question has one attempt: a failure is an
 * answer too, and after its deadline nobody wants one. So an answer that cannot be sent is missed, as it would be if it came late.
 */
export function gatherAnswer(
  member: Member,
  broker: Broker,
  env: Env,
): (received: Received, answered: Answered) => Promise<void> {
  const served = {
    operation: member.operation,
    incident: (exception: unknown): TrunklineError => incident(exception, member, env),
  };
  const replier = new Replier(broker, served, env);
  const failureOf = (thrown: unknown): TrunklineError => {
    if (isDeclaredBy(member, thrown)) return thrown;
    // What was refused before the handler began says so itself; what a handler called says nothing of the handler.
    if (isTrunklineError(thrown) && thrown.executed === "no" && thrown.operation === undefined)
      return thrown;
    return served.incident(thrown);
  };
  return async ({ envelope, group }, answered) => {
    const outcome =
      "value" in answered ? { output: answered.value } : { failure: failureOf(answered.error) };
    await replier.answer(envelope, outcome, group).catch(() => {});
  };
}
