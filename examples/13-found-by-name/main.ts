// Two replicas that are found by the name of their contract, without a server for it: a folder is the registry. One is killed in the
// middle, and no call fails.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { client, roundRobin } from "trunkline";
import { Greeter } from "./greeter.contract.ts";

function replica(name: string): ChildProcess {
  const file = join(import.meta.dirname, "replica.ts");
  return spawn(process.execPath, [...process.execArgv, file, name], { stdio: "inherit" });
}

const replicas = new Map(["one", "two"].map((name) => [name, replica(name)]));

// In turn, so that this prints the same each time. The default asks whoever answers soonest.
await using greeter = client(Greeter, "service:greeter", {
  discovery: "directory:./services",
  balance: roundRobin,
  connectWait: "30s", // the replicas are still starting
  deadline: "30s",
});

/** Asks until all of them have answered. */
async function untilAnsweredBy(...names: readonly string[]): Promise<void> {
  const missing = new Set(names);
  while (missing.size > 0) missing.delete(await greeter.hello());
  console.log(`answered by ${names.join(" and ")}`);
}

await untilAnsweredBy("one", "two"); // the first call waits until there is one

/** Ends a replica; tells when it has gone. */
function end(name: string, signal: NodeJS.Signals): Promise<unknown> {
  const child = replicas.get(name)!;
  const gone = once(child, "exit");
  child.kill(signal);
  return gone;
}

function ask(times: number): Promise<string[]> {
  return Promise.all(Array.from({ length: times }, () => greeter.hello()));
}

const gone = end("one", "SIGKILL");
const answers = await ask(100);
console.log(`one is killed: ${answers.length} of 100 calls were answered`);
await gone;

replicas.set("one", replica("one"));
await untilAnsweredBy("one");

await end("two", "SIGTERM");
const last = await ask(100);
console.log(
  `two has stopped in order: ${last.filter((name) => name === "one").length} of 100 by one`,
);
await end("one", "SIGTERM");
