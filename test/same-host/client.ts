// Asks until its connection has come to shared memory, or is told to stay, or has had the time for either; and says what it saw.
import { subscribe } from "node:diagnostics_channel";
import { client, type ConnectionEvent } from "trunkline";
import { tls } from "trunkline/transport/tls";
import { Desk, type Terms } from "./contract.ts";

/** Calls, one after the other, after which a connection has moved if it is to. */
const callsMax = 500;

const { address, sameHost = "auto", tls: material } = JSON.parse(process.argv[2]!) as Terms;
/** By what it comes when it comes as far as it can here. */
const last = process.argv[3];
const told: ConnectionEvent[] = [];
subscribe("trunkline:connection", (event) => void told.push(event as ConnectionEvent));

await using desk = client(Desk, address, {
  sameHost,
  transports: material === undefined ? [] : [tls({ ...material, sameHost })],
});
const first = await desk.who(null);
let calls = 0;
const over = ({ state, way }: ConnectionEvent): boolean =>
  state === "stayed" || (state === "moved" && way === last);
while (calls < callsMax && !told.some(over)) if ((await desk.up(calls)) === calls) calls++;
for (let more = 0; more < 20; more++) await desk.up(more);

const stayed = told.find(({ state }) => state === "stayed")?.reason;
const ways = told.filter(({ state }) => state === "moved").map(({ way }) => way);
console.log(JSON.stringify({ ways, stayed, first, second: await desk.who(null) }));
