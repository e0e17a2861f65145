import { serveFolder } from "./broker-folder.ts";
import { queues, status } from "./broker-look.ts";
import { serveMemory } from "./broker-memory.ts";
import { UsageError, type Command, type Line } from "./command.ts";
import { didYouMean } from "./closest.ts";
import { listeningOptions } from "./listening.ts";

/** What follows `broker`, and what is done then. */
const acts: Readonly<Record<string, (line: Line) => Promise<number>>> = { status, queues };

/** Runs a broker, or looks at one. */
export const broker: Command = {
  name: "broker",
  summary: "run a broker of messages, in a folder or in memory, or look at one",
  usage: `[--data FOLDER] [--listen ADDRESS] | ${Object.keys(acts).join("|")} FOLDER`,
  about: `With --data, a broker that keeps its queues and logs in a folder of this
machine. Processes of the same machine name it by file:FOLDER, and need no
process that runs this command: the first of them owns the folder. Run it where
the broker is to be a process of its own, or clients come from outside:
amqp://127.0.0.1:5672 for any client of RabbitMQ, tcp://, tls:// or unix: for
Trunkline's, which name it by broker+ADDRESS. While another process owns the
folder it stands by, and takes its place when that ends.

Without --data it keeps messages in memory, for development and tests: they are
lost with its process.`,
  options: {
    data: { value: "FOLDER", about: "keep messages there" },
    ...listeningOptions,
    host: { value: "NAME", about: "queues: of this virtual host only" },
  },
  words: Object.keys(acts),
  examples: [
    "broker --data ./data --listen amqp://127.0.0.1:5672",
    "broker status ./data",
    "broker queues ./data --json",
    "broker --listen unix:./run/broker.sock",
  ],
  run(line) {
    const what = line.optionalWord(0);
    if (what !== undefined) return actNamed(what)(line);
    const data = line.text("data");
    return data === undefined ? serveMemory(line) : serveFolder(line, data);
  },
};

function actNamed(what: string): (line: Line) => Promise<number> {
  const act = Object.hasOwn(acts, what) ? acts[what] : undefined;
  if (act !== undefined) return act;
  throw new UsageError(`broker has no "${what}"; ${didYouMean(what, Object.keys(acts))}`);
}
