// One port, three protocols: a client by gRPC, another one by Connect, and whoever has nothing but HTTP and JSON.
import { chassis, client, serve } from "trunkline";
import { Tickets } from "./tickets.contract.ts";

await using app = await chassis({
  name: "box-office",
  listen: "grpc://127.0.0.1:0",
  serve: [
    serve(Tickets, {
      buy({ seat }, { errors }) {
        if (seat === "A1") throw errors.SOLD_OUT({ seat });
        return { id: `t-${seat}`, seat };
      },
      get: ({ id }) => ({ id, seat: id.slice(2) }),
      async *queue({ people }) {
        for (let next = people; next > 0; next--) yield { next };
      },
    }),
  ],
});
const address = app.addresses[0]!;

await using byGrpc = client(Tickets, address);
console.log(await byGrpc.buy({ seat: "B2" }));
for await (const { next } of byGrpc.queue({ people: 3 })) console.log(`${next} in the queue`);

await using byConnect = client(Tickets, address.replace("grpc:", "connect+tcp:"));
const sold = await byConnect.buy.result({ seat: "A1" });
if (!sold.ok) console.log(`${sold.error.code}, executed: ${sold.error.executed}`);

// What curl would send, and what it would get.
const url = address.replace("grpc:", "http:");
const ask = async (method: string, body: object): Promise<void> => {
  const answer = await fetch(`${url}/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const said = (await answer.json()) as { code?: string; message?: string };
  console.log(answer.status, said.code === undefined ? said : `${said.code}: ${said.message}`);
};
await ask("tickets.v1.Tickets/Buy", { seat: "B2" });
await ask("tickets.v1.Tickets/Buy", { seat: "A1" });
await ask("tickets.v1.Tickets/Buy", { seat: 7 });
await ask("grpc.health.v1.Health/Check", { service: "tickets.v1.Tickets" });

const message = encodeURIComponent(JSON.stringify({ id: "t-B2" }));
const found = await fetch(
  `${url}/tickets.v1.Tickets/Get?connect=v1&encoding=json&message=${message}`,
);
console.log(await found.json());
