// Calls the desk at an address, says so when the calls have left, and how each of them ended.
import { client, close } from "trunkline";
import { Desk } from "./desk.ts";

const [address, deadline, answerMs] = process.argv.slice(2);
const desk = client(Desk, address!);
await desk.later(0);
const calls = Array.from({ length: 20 }, () =>
  desk.later.result(Number(answerMs), { deadline: deadline as "1s" }),
);
setTimeout(() => console.log("asked"), 100);
const results = await Promise.all(calls);
console.log(JSON.stringify(results.map((result) => (result.ok ? "OK" : result.error.code))));
await close(desk);
