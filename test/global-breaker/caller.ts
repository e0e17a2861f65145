// A caller on a host that is given by name: calls once for each message, and answers with what came of it.
import { client, isTrunklineError } from "trunkline";
import { evidenceAt } from "trunkline/registry";
import { Desk } from "./desk.ts";

const [address, registry, host] = process.argv.slice(2) as [string, string, string];
const evidence = evidenceAt(registry, { host, process: String(process.pid), global: true });
const desk = client(Desk, address, {
  breaker: { scope: "global", quorum: 2 },
  retry: false,
  throttle: false,
  evidence,
});

process.on("message", (message) => {
  if (message === "end") return void end();
  void desk.ask
    .result(host, { deadline: "2s" })
    .then((result) => process.send!(result.ok ? "ok" : told(result.error)));
});
process.send!("ready");

function told(error: unknown): string {
  if (!isTrunklineError(error)) return String(error);
  return error.gate === undefined ? `${error.code} ${error.executed}` : `gate ${error.gate}`;
}

async function end(): Promise<void> {
  await desk[Symbol.asyncDispose]();
  await evidence.close();
  process.disconnect();
}
