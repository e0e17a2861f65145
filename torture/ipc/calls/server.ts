// `server.ts TERMS`: serves, writes down what each request does before anything else happens, and dies or stands still at a point when it is told to.
import { openSync, writeSync } from "node:fs";
import { chassis, serve } from "trunkline";
import { unix } from "../../../src/transport/unix/index.ts";
import { watchFor, type Point } from "../points.ts";
import { Desk } from "./contract.ts";
import { deskOf } from "./desk.ts";

export interface ServerTerms {
  readonly address: string;
  readonly journal: string;
  readonly mode?: number;
  readonly ringBytes?: number;
  readonly point?: Point;
  readonly nth?: number;
  readonly deed?: "kill" | "stop";
}

const terms = JSON.parse(process.argv[2]!) as ServerTerms;
const journal = openSync(terms.journal, "a");
if (terms.point !== undefined)
  watchFor(terms.point, terms.nth ?? 1, () => {
    if (terms.deed === "stop") writeSync(1, "S");
    process.kill(process.pid, terms.deed === "stop" ? "SIGSTOP" : "SIGKILL");
  });
const { mode = 0o600, ringBytes = 65_536 } = terms;
const app = await chassis({
  name: "desk",
  listen: terms.address,
  transports: [unix({ mode, shm: { ringBytes } })],
  serve: [
    serve(
      Desk,
      deskOf((line) => writeSync(journal, line)),
    ),
  ],
});
writeSync(1, "L");
void app;
