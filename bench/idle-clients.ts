// Opens connections, makes one call on each and leaves them idle: `idle-clients.ts SOCKET COUNT`.
import { client } from "trunkline";
import { answer } from "./child.ts";
import { Orders } from "./peers/trunkline.ts";
import { jobsOf } from "./work.ts";

const [path, count] = process.argv.slice(2);
const [job] = jobsOf("64 B");

for (let index = 0; index < Number(count); index++) {
  // Clients of one address share a connection unless they differ, as here by name.
  const orders = client(Orders, `unix:${path}`, { instance: `idle-${process.pid}-${index}` });
  await orders.place(job!.order);
}

answer(async () => undefined);
