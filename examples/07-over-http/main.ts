// The same contract over HTTP: whoever speaks HTTP asks for resources, a client of Trunkline calls functions.
import { chassis, client, pages, serve } from "trunkline";
import { Orders } from "./orders.contract.ts";

const placed = new Map<string, { id: string; item: string; state: "placed" | "shipped" }>();

await using app = await chassis({
  name: "orders",
  listen: "http://127.0.0.1:0",
  serve: [
    serve(Orders, {
      place({ item }, { errors }) {
        if (item === "unobtainium") throw errors.SOLD_OUT({ item });
        const order = { id: `o-${placed.size + 1}`, item, state: "placed" as const };
        placed.set(order.id, order);
        return order;
      },
      get(id, { errors }) {
        const order = placed.get(id);
        if (order === undefined) throw errors.NOT_FOUND(id);
        return order;
      },
      list({ limit, cursor = "0" }) {
        const [from, to] = [Number(cursor), Number(cursor) + limit];
        const items = [...placed.values()].slice(from, to);
        return to < placed.size ? { items, next: String(to) } : { items };
      },
      async *watch(id) {
        const order = placed.get(id);
        if (order === undefined) return;
        yield order;
        yield { ...order, state: "shipped" };
      },
    }),
  ],
});
const url = app.addresses[0]!;

const post = (body: object): Promise<Response> =>
  fetch(`${url}/orders`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
const created = await post({ item: "kettle" });
console.log(`${created.status} ${created.headers.get("location")} ${await created.text()}`);
const soldOut = await post({ item: "unobtainium" });
const problem = (await soldOut.json()) as { code: string; executed: string };
console.log(`${soldOut.status} ${problem.code}, executed: ${problem.executed}`);
const wrong = await post({ item: 7 });
console.log(`${wrong.status} executed: ${wrong.headers.get("trunkline-executed")}`);

const read = await fetch(`${url}/orders/o-1`);
const again = await fetch(`${url}/orders/o-1`, {
  headers: { "if-none-match": read.headers.get("etag")! },
});
console.log(`${read.status}, and when it is asked for again ${again.status}`);
const events = await fetch(`${url}/orders/o-1/watch`, { headers: { accept: "text/event-stream" } });
console.log((await events.text()).split("\n\n")[1]);

await using orders = client(Orders, url);
await orders.place({ item: "pot" });
await orders.place({ item: "pan" });
for await (const { items } of pages(orders.list, { limit: 2 }))
  console.log(items.map(({ item }) => item).join(", "));
const missing = await orders.get.result("o-17");
if (!missing.ok && missing.error.code === "NOT_FOUND") console.log(`no ${missing.error.data}`);
