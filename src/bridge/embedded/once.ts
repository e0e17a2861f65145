import { systemError } from "../../base/error.ts";
import type { Transport } from "../../transport/transport.ts";

/**
 * The transport, for one connection: who dials a second time is refused. What was sent to one owner and has no answer is sent
 * to the next one in its order, and nothing may get there before.
 */
export function once(transport: Transport): Transport {
  let dialled = false;
  return {
    ...transport,
    dial: (address, options, env) => {
      if (dialled)
        return Promise.reject(
          systemError("UNAVAILABLE", "the connection to the owner is lost", { executed: "no" }),
        );
      dialled = true;
      return transport.dial(address, options, env);
    },
  };
}
