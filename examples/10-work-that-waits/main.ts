// Work that waits for whoever can do it. A process is killed in the middle of it; another one goes on where it was, in order.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { bind, chassis, client, on } from "trunkline";
import { broker } from "trunkline/broker";
import { Bills } from "./bills.contract.ts";

// In production amqp:// or kafka://, and everything below stays as it is.
await using running = broker();
await using _host = await chassis({
  name: "broker",
  listen: "unix:./broker.sock",
  serve: [...running.services],
});
const messages = "broker+unix:./broker.sock";
const bindings = [bind(Bills.written, { groups: ["report"] })];

const all = Promise.withResolvers<void>();
const written: string[] = [];
await using _report = await chassis({
  name: "report",
  messages,
  bindings,
  serve: [
    on(Bills.written, { group: "report" }, ({ order, by }) => {
      if (written.push(`${order} by ${by}`) === 3) all.resolve();
    }),
  ],
});

await using bills = client(Bills, "service:bills", { messages, bindings });
for (const order of ["o-1", "o-2", "o-3"]) {
  const { enqueued } = await bills.due({ customer: "c-7", order, cents: 500 });
  console.log(`${order} is due: ${enqueued}`); // nobody is there yet
}

function writer(name: string): ChildProcess {
  const file = join(import.meta.dirname, "writer.ts");
  return spawn(process.execPath, [...process.execArgv, file, name], { stdio: "inherit" });
}

const clumsy = writer("clumsy");
const [, signal] = (await once(clumsy, "exit")) as [unknown, string];
console.log(`clumsy is gone: ${signal}`);

const careful = writer("careful");
await all.promise;
console.log(written.toSorted().join(", "));

careful.kill("SIGTERM"); // fetches no more, finishes, and leaves
await once(careful, "exit");
