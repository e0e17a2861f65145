import type { Env } from "../../base/env.ts";
import { systemError, type TrunklineError } from "../../base/error.ts";
import { uuidv7 } from "../../base/id.ts";
import { attribute } from "../../broker/attributes.ts";
import type { Envelope } from "../../broker/envelope.ts";
import type { Operation } from "../../protocol/operation.ts";
import { decodeFailure, encodeFailure } from "../../protocol/rsocket/metadata/failure.ts";
import { json } from "../../codec/json.ts";
import { ErrorCode } from "../../wire/error-code.ts";

/** What came of a request: its output, or why there is none. */
export type Outcome = { readonly output: unknown } | { readonly failure: TrunklineError };

/** What `outcome` says of a reply that has an output. */
const success = "OK";

const source = "/trunkline";

/**
 * The reply to `request`, of group `answeredBy` where there are several. A failure travels as JSON: code, `executed`, reason, and the
 * data of a declared error, or the id of the report. Throws what the codec throws when the output cannot be written.
 */
export function replyTo(
  request: Envelope,
  operation: Pick<Operation, "name" | "output">,
  outcome: Outcome,
  answeredBy: string | undefined,
  env: Env,
): Envelope {
  const failed = "failure" in outcome;
  const text = failed ? encodeFailure(outcome.failure) : operation.output.encode(outcome.output);
  const { traceparent } = request.attributes;
  return {
    id: uuidv7(env),
    type: `${operation.name}.reply`,
    source,
    subject: undefined,
    time: env.wall(),
    contentType:
      failed || operation.output === json ? "application/json" : "application/octet-stream",
    attributes: {
      [attribute.correlationid]: request.id,
      [attribute.outcome]: failed ? outcome.failure.code : success,
      ...(answeredBy === undefined ? {} : { [attribute.answeredby]: answeredBy }),
      ...(traceparent === undefined ? {} : { traceparent }),
    },
    data: typeof text === "string" ? Buffer.from(text) : text,
  };
}

/** Reads a reply: the output as it came, not yet validated, or a failure that names no operation yet. Never throws. */
export function readReply(reply: Envelope, operation: Operation): Outcome {
  const { buffer, byteOffset, byteLength } = reply.data;
  const memory = Buffer.from(buffer, byteOffset, byteLength);
  if (reply.attributes[attribute.outcome] !== success)
    return { failure: decodeFailure(ErrorCode.APPLICATION_ERROR, memory.toString("utf8")) };
  try {
    return { output: operation.output.decode(memory, 0, byteLength) };
  } catch (cause) {
    const failure = systemError("INTERNAL", "the reply cannot be read", { executed: "yes", cause });
    return { failure };
  }
}
