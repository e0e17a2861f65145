import type { Env } from "../base/env.ts";
import type { Peer } from "../base/peer.ts";
import type { Member } from "../call/compile.ts";
import { Messaging } from "../messaging/messaging.ts";
import { isBrokerAddress, takeBroker } from "./broker-at.ts";
import type { ClientOptions } from "./client-options.ts";

/** What sends the messages of a client. */
export interface ClientMessages {
  readonly method: (member: Member) => unknown;
  readonly close: () => Promise<void>;
}

/** What sends the messages of a client; undefined when nothing says where they go. */
export function clientMessages(
  where: string | Peer,
  { messages, bindings = [], instance = "anonymous" }: ClientOptions,
  { deadlineMs, checkSent }: { readonly deadlineMs: number; readonly checkSent: boolean },
  env: Env,
): ClientMessages | undefined {
  const which =
    messages ?? (typeof where === "string" && isBrokerAddress(where) ? where : undefined);
  if (which === undefined) return undefined;
  const taken = takeBroker(which, { name: instance }, env);
  const messaging = new Messaging(taken.open, {
    name: instance,
    bindings,
    checkSent,
    deadlineMs,
    patienceMs: deadlineMs,
    interceptors: [],
    env,
  });
  return {
    method: (member) => messaging.method(member),
    close: async () => {
      await messaging.settled();
      await taken.release();
    },
  };
}
