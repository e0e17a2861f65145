import { brokerCalls } from "../bridge/calls/protocol.ts";
import type { Env } from "../base/env.ts";
import type { Protocol } from "../protocol/protocol.ts";
import type { Address } from "../transport/address.ts";
import { takeBroker } from "./broker-at.ts";
import type { Place } from "./problems.ts";
import { ownPrefix } from "./reflection.ts";
import { conceal } from "./registries.ts";

/** The place where calls go by way of a broker: who listens there takes them from its queues. */
export function brokerPlace(text: string, env: Env): Place {
  const [scheme = ""] = text.split(":", 1);
  // What people read has no credentials; what is opened has.
  const address: Address = {
    text: conceal(text),
    protocol: "broker",
    transport: scheme,
    place: text,
  };
  return { address, protocol: callsAt(env) };
}

function callsAt(env: Env): Protocol {
  return brokerCalls(
    ({ text, place }, name) => {
      const taken = takeBroker(place, { name }, env);
      return { address: text, open: taken.open, release: taken.release };
    },
    (contract) => contract.startsWith(ownPrefix),
  );
}
