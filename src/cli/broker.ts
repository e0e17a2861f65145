import { serveFolder } from "./broker-folder.ts";
import { definitions, queues, status, users } from "./broker-look.ts";
import { serveMemory } from "./broker-memory.ts";
import {
  compactStore,
  exportStore,
  importStore,
  inspectStore,
  repairStore,
  verifyStore,
} from "./broker-store.ts";
import { UsageError, type Command, type Line } from "./command.ts";
import { didYouMean } from "./closest.ts";
import { listeningOptions } from "./listening.ts";

/** What follows `broker`, and what is done then. */
const acts: Readonly<Record<string, (line: Line) => Promise<number>>> = {
  start: run,
  status,
  queues,
  users,
  definitions,
  inspect: inspectStore,
  verify: verifyStore,
  compact: compactStore,
  export: exportStore,
  import: importStore,
  repair: repairStore,
};

/** Runs a broker, or looks at one. */
export const broker: Command = {
  name: "broker",
  summary: "run a broker of messages on disk or in memory, or look at one",
  usage: `[start] [--data FOLDER] [--listen ADDRESS]
trunkline broker status|queues|users|definitions FOLDER
trunkline broker inspect|verify|compact|repair FOLDER
trunkline broker export|import FOLDER [FILE]`,
  about: `With --data, a broker that keeps its queues and logs in a folder of this
machine. Processes of the same machine name it by file:FOLDER, and need no
process that runs this command: the first of them owns the folder. Run it where
the broker is to be a process of its own, or clients come from outside:
amqp://127.0.0.1:5672 for any client of RabbitMQ, http://127.0.0.1:15672 for
RabbitMQ's own tools, tcp://, tls:// or unix: for Trunkline's, which name it by
broker+ADDRESS. While another process owns the folder it stands by, and takes
its place when that ends. At first there is one user of AMQP, guest with the
password guest, who is let in from this machine only.

The first four look at a folder whether somebody owns it or not. The others work
on the file that nobody has open: export and import take all that is in it as
lines of JSON, verify looks at everything, and repair keeps what can be read of
a damaged one, which stays beside it. What waits in a channel, and its dead
letters, are looked at by trunkline tail, lag and dlq, with file:FOLDER.

Without --data it keeps messages in memory, for development and tests: they are
lost with its process.`,
  options: {
    data: { value: "FOLDER", about: "keep messages there" },
    ...listeningOptions,
    user: { value: "NAME", about: "first start: who is there instead of guest" },
    "password-file": { value: "FILE", about: "its password: the first line there" },
    host: { value: "NAME", about: "queues, definitions: of this virtual host" },
    take: { value: "FILE", about: "definitions: make what this file says" },
    "accept-loss": { about: "repair: what cannot be read may be lost" },
  },
  words: Object.keys(acts),
  examples: [
    "broker --data ./data --listen amqp://127.0.0.1:5672",
    "broker status ./data",
    "broker queues ./data --json",
    "broker definitions ./data --take rabbitmq.json",
    "broker export ./data backup.jsonl",
    "broker --listen unix:./run/broker.sock",
  ],
  run(line) {
    const what = line.optionalWord(0);
    if (what !== undefined) return actNamed(what)(line);
    return run(line);
  },
};

function run(line: Line): Promise<number> {
  const data = line.text("data");
  return data === undefined ? serveMemory(line) : serveFolder(line, data);
}

/** Commands of their own, which look at brokers of any make. */
const elsewhere: readonly string[] = ["consume", "dlq", "lag", "publish", "tail"];

function actNamed(what: string): (line: Line) => Promise<number> {
  const act = Object.hasOwn(acts, what) ? acts[what] : undefined;
  if (act !== undefined) return act;
  if (elsewhere.includes(what))
    throw new UsageError(`it is "trunkline ${what}", for brokers of any make: file:FOLDER CHANNEL`);
  throw new UsageError(`broker has no "${what}"; ${didYouMean(what, Object.keys(acts))}`);
}
