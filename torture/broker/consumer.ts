// A process that consumes: `consumer.ts ADDRESS NAME LOG`, until SIGTERM.
import { realEnv } from "../../src/base/real-env.ts";
import { openBroker } from "../../src/chassis/broker-at.ts";
import { orders } from "./channel.ts";
import { Log } from "../log.ts";

/** An ack that takes longer is hung. */
const hungMs = 30_000;

const [address = "", name = "", path = ""] = process.argv.slice(2);
const log = new Log(path);
const stopped = Promise.withResolvers<void>();
process.once("SIGTERM", () => stopped.resolve());
const broker = await openBroker(address, { name, waitMs: 20_000 }, realEnv());
await broker.declare([orders]);
const consumer = await broker.consume(
  { channel: orders, group: undefined, prefetch: 100 },
  (batch) => {
    for (const delivery of batch) {
      const { id } = delivery.envelope;
      log.write("seen", id, delivery.attempt);
      const alarm = setTimeout(() => log.write("hung", id), hungMs);
      // Done for good is what the broker has said to be so.
      void delivery
        .ack()
        .then(
          () => log.write("done", id, delivery.attempt),
          () => log.write("fenced", id, delivery.attempt),
        )
        .finally(() => clearTimeout(alarm));
    }
  },
);
log.write("up", process.pid);
await stopped.promise;
await consumer.close();
await broker.close();
log.write("down");
log.close();
