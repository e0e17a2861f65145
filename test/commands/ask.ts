// Sends commands, prints their tokens, and waits for replies until it is killed.
import { client } from "trunkline";
import { Depot } from "./depot.contract.ts";

const [messages = "", ...orders] = process.argv.slice(2);
const depot = client(Depot, messages, { instance: "asker" });
const handles = await Promise.all(orders.map((order) => depot.ship({ order })));
console.log(JSON.stringify(handles.map(({ token }) => token)));
await Promise.all(handles.map((handle) => handle.result({ within: "1h" })));
console.log("it was not killed");
