// A process that follows the log of the outbox at the address given, and prints what it publishes, until it is killed.
import { writeSync } from "node:fs";
import { realEnv } from "../../base/real-env.ts";
import type { Broker, Outgoing } from "../../broker/broker.ts";
import { postgres } from "../../store/postgres/index.ts";
import { relayTerms } from "./relay-terms.ts";
import { Relay } from "./relay.ts";

const broker = {
  declare: () => Promise.resolve([]),
  publish(all: readonly Outgoing[]) {
    for (const { envelope } of all) writeSync(1, `${Buffer.from(envelope.data).toString()}\n`);
    return Promise.resolve(all.map(() => ({ enqueued: "accepted" })));
  },
} as unknown as Broker;

new Relay({
  store: postgres(process.argv[2]!, { tailing: true }),
  broker: () => Promise.resolve(broker),
  terms: relayTerms({ lease: "1s", batch: 200 }),
  name: "child",
  env: realEnv(),
}).start();
