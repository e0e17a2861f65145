import { join } from "node:path";
import { chassis, client, isTrunklineError, serve, storeKeys } from "trunkline";
import { Effects } from "./effects.ts";
import { Apron, Hangar } from "./hangar.ts";
import type { StormPeer } from "./peer.ts";

/** What a process has begun is nobody's so long after it has died, in milliseconds. */
const leaseMs = 2_000;
/** No try of a call takes longer: then another replica is asked, which knows the key, or can do the work. */
const tryMs = 800;

/**
 * Replicas that share the keys of their calls in a database. Calls by key are made where key and effect are one transaction; those that
 * stand for the others have a key too, and an effect apart from it.
 */
export const peer: StormPeer = {
  async serve(seat, work) {
    const effects = Effects.at(seat.store);
    const { store } = effects;
    const app = await chassis({
      name: `hangar-${seat.number}`,
      listen: `unix:${join(seat.folder, `hangar-${seat.number}.sock`)}`,
      register: { discovery: seat.registry },
      keys: storeKeys(store, { leaseMs }),
      relay: false,
      serve: [
        serve(
          Hangar,
          {
            look: (id) => work(id),
            reserve: (id, { tx }) => effects.write(tx, id, seat.number),
          },
          { store },
        ),
        serve(Apron, { park: (id) => work(id) }),
      ],
    });
    void app.stopped.then(() => effects[Symbol.asyncDispose]());
  },
  async connect(_, { registry: discovery }) {
    const hangar = client(Hangar, "service:hangar", {
      discovery,
      operations: { reserve: { attemptTimeout: tryMs } },
    });
    const apron = client(Apron, "service:apron", { discovery });
    const asks = { idempotent: hangar.look, byKey: hangar.reserve, plain: apron.park };
    return (kind, id) => asks[kind](id);
  },
  told: (error) => (isTrunklineError(error) ? error.executed : undefined),
};
