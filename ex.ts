import { readFlights } from "./demo/flights.ts";
import { exchange } from "./demo/exchange/exchange.ts";
import { ownBroker } from "./demo/exchange/own-broker.ts";
import { exchangeText } from "./demo/exchange/exchange-text.ts";
import { mkdtempSync } from "node:fs";
const t = performance.now();
const { address, over, restart } = await ownBroker(process.argv[2]!);
const flights = readFlights().slice(0, Number(process.argv[3] ?? 20000));
const one = await exchange({
  messages: address,
  over,
  folder: mkdtempSync("/tmp/ex-"),
  flights,
  tell: console.error,
  restart: process.argv[4] === "restart" ? restart : undefined,
});
console.log(exchangeText([one]), ((performance.now() - t) / 1000).toFixed(1));
process.exit(0);
