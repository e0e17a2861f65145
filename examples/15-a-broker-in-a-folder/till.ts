// Takes one payment, and stays open for more.
import { client } from "trunkline";
import { Payments } from "./payments.contract.ts";

await using payments = client(Payments, "service:payments", { messages: "file:./data" });
const { enqueued } = await payments.received({ account: "a-7", cents: 100 });
process.send!(`the till has 100: ${enqueued}`);
await new Promise(() => setInterval(() => {}, 60_000));
