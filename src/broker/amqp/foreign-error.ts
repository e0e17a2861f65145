import { isTrunklineError, systemError, type TrunklineError } from "../../base/error.ts";
import type { Executed, SystemCode } from "../../base/outcome.ts";

/** What an error of the client or the server means to us, by its AMQP reply code and its words. */
const meanings: readonly {
  readonly code: string;
  readonly says?: RegExp;
  readonly means: SystemCode;
  readonly advice?: string;
}[] = [
  {
    code: "ACCESS_REFUSED",
    says: /Login|authentication|mechanism/i,
    means: "UNAUTHENTICATED",
    advice: "check user and password",
  },
  {
    code: "ACCESS_REFUSED",
    means: "PERMISSION_DENIED",
    advice: "rabbitmqctl set_permissions gives the user what it needs",
  },
  {
    code: "NOT_ALLOWED",
    says: /vhost .*not found/i,
    means: "INVALID_ARGUMENT",
    advice: "the virtual host does not exist: rabbitmqctl add_vhost makes it",
  },
  { code: "NOT_ALLOWED", means: "PERMISSION_DENIED" },
  {
    code: "COMMAND_INVALID",
    says: /unknown exchange type|invalid exchange type/,
    means: "UNIMPLEMENTED",
    advice:
      "order per key needs a plugin: rabbitmq-plugins enable rabbitmq_consistent_hash_exchange",
  },
  { code: "PRECONDITION_FAILED", says: /message size/, means: "RESOURCE_EXHAUSTED" },
  { code: "PRECONDITION_FAILED", says: /unknown exchange type/, means: "UNIMPLEMENTED" },
  { code: "PRECONDITION_FAILED", means: "INVALID_ARGUMENT" },
  { code: "NOT_IMPLEMENTED", means: "UNIMPLEMENTED" },
];

/** An error of the client or the server as one of ours. What is one already stays. */
export function translated(
  error: unknown,
  endpoint: string,
  executed: Executed = "no",
): TrunklineError {
  if (isTrunklineError(error)) return error;
  const code = codeOf(error);
  const said = error instanceof Error ? error.message : String(error);
  const message = said.replace(/^undefined: /, ""); // the client's word for a method that it has no name for
  const meaning = meanings.find((each) => each.code === code && (each.says?.test(message) ?? true));
  return systemError(meaning?.means ?? "UNAVAILABLE", message === "" ? code : message, {
    executed,
    endpoint,
    advice: meaning?.advice,
    cause: error,
  });
}

/** The AMQP reply code by name, or the code of a socket's error. */
export function codeOf(error: unknown): string {
  const code = (error as { readonly code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "UNKNOWN";
}
