// Opens connections, makes one call on each and leaves them idle: `idle-clients.ts ADDRESS COUNT`.
import { client } from "trunkline";
import { answer } from "./child.ts";
import { Orders } from "./peers/orders.ts";
import { jobsOf } from "./work.ts";

const [address, count] = process.argv.slice(2);
const [job] = jobsOf("64 B");

for (let index = 0; index < Number(count); index++) {
  // Clients of one address share a connection unless they differ, as here by name.
  const orders = client(Orders, address!, { instance: `idle-${process.pid}-${index}` });
  await orders.place(job!.order);
}

answer(async () => undefined);
