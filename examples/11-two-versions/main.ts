// Two versions of a service in one process, with the handlers of the newer one alone: what is older is converted. Old clients
// go on as before, and are told over HTTP that they should move.
import { chassis, client, serve, serveOlder } from "trunkline";
import { compareContracts, describe } from "trunkline/contract";
import { OrdersV1, OrdersV2 } from "./orders.contract.ts";

let placed = 0;
const orders = serve(OrdersV2, {
  place({ lines }, { errors }) {
    for (const { item } of lines)
      if (item === "unobtainium") throw errors.SOLD_OUT({ item, left: 0 });
    return { id: `o-${++placed}`, lines };
  },
  ping: () => "pong", // both versions say it alike: nothing is converted
});

const ordersV1 = serveOlder(
  OrdersV1,
  orders,
  {
    place: {
      up: ({ item }) => ({ lines: [{ item, count: 1 }] }),
      down: ({ id, lines }) => ({ id, item: lines[0]!.item }),
      errors: { SOLD_OUT: ({ item }, { errors }) => errors.SOLD_OUT(item) },
    },
  },
  { deprecated: "2026-12-01", sunset: "2027-06-01", link: "https://example.com/orders-2" },
);

await using app = await chassis({
  name: "orders",
  listen: ["unix:./orders.sock", "http://127.0.0.1:0"],
  serve: [ordersV1, orders],
});
const [socket, web] = app.addresses as [string, string];

await using old = client(OrdersV1, socket);
console.log("v1:", await old.place({ item: "kettle" }), await old.ping());
const sold = await old.place.result({ item: "unobtainium" });
if (!sold.ok)
  console.log("v1:", sold.error.code, sold.error.data, `executed: ${sold.error.executed}`);

await using current = client(OrdersV2, socket);
console.log("v2:", await current.place({ lines: [{ item: "kettle", count: 2 }] }));

const answer = await fetch(`${web}/v1/orders`, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ item: "teapot" }),
});
console.log("v1 by HTTP:", answer.status, await answer.text());
for (const name of ["deprecation", "sunset", "link"])
  console.log(`  ${name}: ${answer.headers.get(name)}`);

for (const { operation, version, count } of app.stats().operations)
  if (count > 0) console.log(`${operation} of ${version} was asked ${count}×`);

const { advised, findings } = compareContracts(describe(OrdersV1), describe(OrdersV2));
console.log(`from v1 to v2: ${advised}, because of ${findings.length} changes, among them`);
console.log(`  ${findings[0]!.where} ${findings[0]!.change}`);
