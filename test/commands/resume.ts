// Waits, by their tokens, for replies to commands that another process has sent.
import { client } from "trunkline";
import { Depot } from "./depot.contract.ts";

const [messages = "", instance = "", ...tokens] = process.argv.slice(2);
await using depot = client(Depot, messages, { instance });
const results = await Promise.all(
  tokens.map((token) => depot.ship.resume(token).result({ within: "1m" })),
);
const told = results.map((result) =>
  result.ok ? result.value.parcel : `${result.error.code} ${String(result.error.data)}`,
);
console.log(JSON.stringify(told));
