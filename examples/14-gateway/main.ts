// One address for two services: by REST, by Trunkline's own wire, and composed of both. The routes stand in a file.
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chassis, client, serve } from "trunkline";
import { gatewayFromFile } from "trunkline/gateway";
import { Customers, Orders } from "./shop.contract.ts";

await using _orders = await chassis({
  name: "orders",
  listen: "unix:./orders.sock",
  serve: [
    serve(Orders, {
      get({ orderId }, { errors }) {
        if (orderId !== "o-1") throw errors.NOT_FOUND();
        return { id: orderId, item: "kettle", customer: "c-7" };
      },
    }),
  ],
});
const customers = await chassis({
  name: "customers",
  listen: "unix:./customers.sock",
  serve: [serve(Customers, { get: () => ({ name: "Ann" }) })],
});

// Beside this file, the contracts; in the folder where it runs, what may change.
const text = readFileSync(join(import.meta.dirname, "gateway.json"), "utf8");
const contracts = JSON.stringify(join(import.meta.dirname, "shop.contract.ts"));
const here = text.replace('"./shop.contract.ts"', contracts);
const write = (content: string): void => {
  writeFileSync("gateway.json.new", content);
  renameSync("gateway.json.new", "gateway.json");
};
write(here);

await using gateway = await gatewayFromFile({ file: "gateway.json", watch: false });
const [url = "", address = ""] = gateway.addresses;
const ask = async (path: string): Promise<void> => {
  const answer = await fetch(url + path, { headers: { "x-key": "visitor" } });
  console.log(answer.status, await answer.text());
};
await ask("/page/o-1");

// A part that is optional may be missing; one that is not may not.
await customers.stop();
await ask("/page/o-1");
const { status } = await fetch(`${url}/page/o-2`);
console.log(status);

await using orders = client(Orders, address);
console.log(await orders.get({ orderId: "o-1" }));

// A file that is wrong changes nothing; one that is right holds from then on.
write(here.replace('"orders.*"', '"orders.fly"'));
await gateway.reload().catch((error: Error) => console.log(error.message.split("\n")[1]?.trim()));
write(here.replace('"burst": 3', '"burst": 1'));
await gateway.reload();
for (let asked = 0; asked < 2; asked++) {
  const answer = await fetch(`${url}/orders/o-1`, { headers: { "x-key": "another" } });
  console.log(answer.status);
  await answer.text();
}
