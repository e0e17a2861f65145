// The service behind all that is measured: `backend.ts FOLDER`. By Trunkline's wire and by REST, the same handler.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { chassis, serve } from "trunkline";
import { answer } from "../child.ts";
import { cpuUs } from "../usage.ts";
import { orderOf, Orders } from "./orders.ts";

const [folder = ""] = process.argv.slice(2);
const unix = `unix:${join(folder, "orders.sock")}`;
await chassis({
  name: "orders",
  listen: unix,
  serve: [serve(Orders, { get: ({ id }) => orderOf(id) })],
  signals: false,
  checkSent: false,
});
// Bare, so that what stands in the middle is what is measured.
const server = createServer((request, response) => {
  const body = JSON.stringify(orderOf(request.url!.slice(request.url!.lastIndexOf("/") + 1)));
  response.writeHead(200, { "content-type": "application/json", "content-length": body.length });
  response.end(body);
});
server.keepAliveTimeout = 600_000;
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  answer(async () => cpuUs(), JSON.stringify({ unix, http: `http://127.0.0.1:${port}` }));
});
