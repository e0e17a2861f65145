// `caller-child.ts TERMS`: says that it begins, calls, writes down what it gives and gets before anything else happens, and dies at a point.
import { openSync, writeSync } from "node:fs";
import { client } from "trunkline";
import { unix } from "../../../src/transport/unix/index.ts";
import { watchFor, type Point } from "../points.ts";
import { Caller } from "./caller.ts";
import { Desk } from "./contract.ts";

interface CallerTerms {
  readonly address: string;
  readonly journal: string;
  readonly point: Point;
  readonly nth: number;
}

const terms = JSON.parse(process.argv[2]!) as CallerTerms;
const journal = openSync(terms.journal, "a");
watchFor(terms.point, terms.nth, () => process.kill(process.pid, "SIGKILL"));
const desk = client(Desk, terms.address, {
  transports: [unix({ shm: { ringBytes: 65_536 } })],
});
writeSync(1, "B");
await new Caller(desk, (line) => writeSync(journal, line)).run(() => true);
