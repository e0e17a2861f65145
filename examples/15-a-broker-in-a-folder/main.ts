// Durable messages with nothing installed: a broker in a folder. The process that owns it is killed, and another one takes its place.
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { chassis, client, on } from "trunkline";
import { Payments } from "./payments.contract.ts";

// In production perhaps amqp:// or kafka://, and everything else stays as it is.
const messages = "file:./data";

// The first process that names the folder owns it.
const till = fork(join(import.meta.dirname, "till.ts"));
console.log((await once(till, "message"))[0]);

await using payments = client(Payments, "service:payments", { messages });
const before = await payments.received({ account: "a-7", cents: 200 });
console.log(`200 over the till's process: ${before.enqueued}`); // synced to disk, whoever owns the folder

till.kill("SIGKILL");
const after = await payments.received({ account: "a-7", cents: 300 });
console.log(`300 after it was killed: ${after.enqueued}`);

// Nobody has been there to book them. They are, in their order.
const all = Promise.withResolvers<void>();
await using _app = await chassis({
  name: "booking",
  messages,
  serve: [
    on(Payments.received, {}, ({ cents }) => {
      console.log(`booked ${cents}`);
      if (cents === 300) all.resolve();
    }),
  ],
});
await all.promise;
