import type { BrokerCapabilities } from "./broker.ts";
import { brokerCases } from "./suite.ts";

/** A broker as a table names it. */
export interface NamedBroker {
  /** `` `amqp:` RabbitMQ `` */
  readonly name: string;
  readonly capabilities: BrokerCapabilities;
}

/** What it says, and the case of the suite that proves it; none where nothing is promised. */
type Cell = readonly [text: string, proof?: string | undefined];

/** What each capability means to a user, in the order of the table. */
const rows: readonly (readonly [
  heading: string,
  cell: (capabilities: BrokerCapabilities) => Cell,
])[] = [
  [
    "order per key, while other keys go on",
    ({ order }) =>
      order === "key"
        ? ["yes", "messages of one key come in their order, whoever consumes"]
        : ["no"],
  ],
  [
    "delivery",
    ({ guarantees }) => [guarantees.map((each) => each.replaceAll("-", " ")).join(", ")],
  ],
  [
    "a receipt can mean",
    ({ receipts }) => [
      receipts.join(", "),
      "each message of a batch has its receipt, in the order given, and it means what it says",
    ],
  ],
  [
    "messages outlive the broker's process",
    ({ persistent }) =>
      persistent ? ["yes", "what was stored is there after the broker was killed"] : ["no"],
  ],
  [
    "messages wait for who is not there",
    ({ keeps, groups }) =>
      keeps && groups
        ? ["yes", "messages wait for a group that was declared before anybody of it consumes"]
        : keeps
          ? ["in a queue", "what a consumer has not settled when it closes comes to another"]
          : ["no"],
  ],
  [
    "a message goes to",
    ({ topics, queues }) =>
      topics === false
        ? ["one", "topics are refused when they are declared where there are only queues"]
        : queues === false
          ? ["everybody", "queues are refused when they are declared where there are only topics"]
          : ["one, or everybody"],
  ],
  [
    "several consume a queue at once",
    ({ sharing, queues }) =>
      queues === false
        ? ["there are none"]
        : sharing === false
          ? ["one, others stand by"]
          : ["yes", "each message of a queue goes to one of those who consume it"],
  ],
  [
    "groups",
    ({ groups, topics }) =>
      groups
        ? ["yes", "each group of a topic gets each message, and its members share them"]
        : ["no", topics === false ? undefined : "groups are refused where there are none"],
  ],
  [
    "attempts are counted by",
    ({ attempts }) => [
      attempts === "durable" ? "the broker" : "first or not",
      "what is released comes again, its attempt counted",
    ],
  ],
  [
    "held back until an instant",
    ({ delay }) =>
      delay
        ? ["yes", "what is held back comes when it is due, and holds up nothing else meanwhile"]
        : ["no", "delays are refused where there are none"],
  ],
  [
    "priorities",
    ({ priority, keeps }) =>
      priority ? (keeps ? ["yes", "higher priorities go first"] : ["yes"]) : ["no"],
  ],
  [
    "what has expired is not delivered",
    ({ ttl, keeps }) =>
      ttl ? (keeps ? ["yes", "what has expired is not delivered"] : ["yes"]) : ["no"],
  ],
  [
    "consumed again, from an instant or the beginning",
    ({ replay }) =>
      replay
        ? ["yes", "a new group can begin with what is kept, and be put back to it"]
        : ["no", "replaying is refused where nothing is kept"],
  ],
  [
    "filters by itself",
    ({ filters }) =>
      filters.length > 0
        ? [filters.join(", "), "what the broker can leave out does not come"]
        : ["no"],
  ],
  [
    "output and ack are one",
    ({ transactions }) =>
      transactions
        ? ["yes", "what comes of a message leaves together with its ack, or not at all"]
        : ["no", "outputs with an ack are refused where they are not one"],
  ],
  [
    "a command that no queue is there for is told",
    ({ mandatory }) =>
      mandatory
        ? ["yes", "a queue that is not there is told where its channel is mandatory"]
        : ["no"],
  ],
  ["replies", ({ replies }) => repliesCell(replies)],
  [
    "what waits can be looked at",
    ({ browse, keeps }) =>
      browse && keeps
        ? ["yes", "what waits can be looked at, counted, and is still there"]
        : ["no", "looking is refused where it cannot be done"],
  ],
  ["how far a group is behind is known", ({ lag }) => [lag ? "yes" : "no"]],
  ["the last of each key is kept for ever", ({ compaction }) => [compaction ? "yes" : "no"]],
  [
    "largest message",
    ({ bytesMax }) => [
      inMebibytes(bytesMax),
      bytesMax <= 32 * 1024 * 1024
        ? "what is too large is refused, and the others of its batch are not"
        : undefined,
    ],
  ],
];

function repliesCell(replies: BrokerCapabilities["replies"]): Cell {
  if (replies === "durable")
    return [
      "kept for who comes later",
      "a durable box keeps replies for who comes later, and for several",
    ];
  return replies === "transient"
    ? ["to who is there", "durable boxes are refused where there are none"]
    : ["no"];
}

/**
 * Brokers and what they promise, as a Markdown table for the docs, and below it the cases of the suite by the numbers that the cells
 * name. Throws when a case that a cell names is none of those that are run for that broker.
 */
export function brokersTable(brokers: readonly NamedBroker[]): string {
  const proofs: string[] = [];
  const told = ({ name, capabilities }: NamedBroker, [text, proof]: Cell): string => {
    if (proof === undefined) return text;
    if (!casesFor(capabilities).includes(proof))
      throw new Error(`${name}: the suite does not try that ${proof}`);
    if (!proofs.includes(proof)) proofs.push(proof);
    return `${text} (${proofs.indexOf(proof) + 1})`;
  };
  const lines = [
    ["", ...brokers.map(({ name }) => name)],
    ["---", ...brokers.map(() => "---")],
    ...rows.map(([heading, cell]) => [
      heading,
      ...brokers.map((broker) => told(broker, cell(broker.capabilities))),
    ]),
  ];
  const table = lines.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
  return `${table}\n${proofs.map((proof, index) => `${index + 1}. ${proof}\n`).join("")}`;
}

/** The names of what the suite tries with a broker that promises this. */
function casesFor(capabilities: BrokerCapabilities): readonly string[] {
  const nowhere = (): never => {
    throw new Error("only the names are asked for");
  };
  const subject = { capabilities, env: nowhere, stand: nowhere };
  return brokerCases(subject, ["restart", "cut"]).map(({ name }) => name);
}

function inMebibytes(bytes: number): string {
  const mebibytes = bytes / (1024 * 1024);
  if (bytes % 1_024 !== 0 && bytes < 64 * 1_024) return `${bytes.toLocaleString("en")} bytes`;
  return mebibytes >= 1 ? `${Math.floor(mebibytes)} MiB` : `${Math.floor(bytes / 1024)} KiB`;
}
