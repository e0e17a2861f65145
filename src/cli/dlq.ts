import { timestamp } from "../base/timestamp.ts";
import { deadLetters, type DeadLetter } from "../messaging/dead/dead-letter.ts";
import { redrive, type RedriveReport } from "../messaging/dead/redrive.ts";
import type { LetterFilter } from "../messaging/dead/sequence.ts";
import { brokerOf, channelOf, channelOptions, groupOf } from "./channel-line.ts";
import { UsageError, type Command, type Line } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { plainMessage } from "./shown-message.ts";
import { table } from "./table.ts";
import { printJson, styled, type Terminal } from "./terminal.ts";
import { age, count, several } from "./units.ts";

const looked = 1_000;

/** Dead letters: what there is, and back with it. */
export const dlq: Command = {
  name: "dlq",
  summary: "list the dead letters of a group, or send them back to it",
  usage: "list|redrive ADDRESS CHANNEL [GROUP]",
  about: `Without GROUP, CHANNEL is a queue. A redrive goes to the consumer that has given
the message up, and to no other, under the same id. Of a blocked key the first
letter decides whether it is meant; the others go after it, each when the one
before it is handled. It ends with 8 when something did not get through.`,
  options: {
    contract: channelOptions["contract"]!,
    why: { value: "WHY", about: "failed, invalid, malformed, rejected, parked, step, crashed" },
    code: { value: "CODE", about: "the code of the last failure" },
    stack: { value: "HASH", about: "the stack of the last failure, as list shows it" },
    key: { value: "TEXT", about: "the ordering key" },
    id: { value: "TEXT", about: "the id of the message" },
    since: { value: "TIME", about: "given up at that time or later: 2026-11-28T15:00:00Z" },
    before: { value: "TIME", about: "given up before that time" },
    limit: {
      value: "NUMBER",
      about: `how many at most; list looks at ${count(looked)} by default`,
    },
    rate: { value: "NUMBER", about: "redrive: how many in a second" },
    within: {
      value: "DURATION",
      about: "redrive: how long to wait for a consumer; default 30s",
    },
    "dry-run": { about: "redrive: say what would go, and send nothing" },
    by: { value: "TEXT", about: "redrive: who does it, for the record" },
  },
  words: ["list", "redrive"],
  examples: [
    "dlq list amqp://localhost orders.1.placed billing",
    "dlq list kafka://localhost:9092 orders.1.placed billing --why failed --json",
    "dlq redrive amqp://localhost orders.1.placed billing --key o-1 --dry-run",
    "dlq redrive amqp://localhost orders.1.placed billing --code UNAVAILABLE --rate 50",
  ],
  async run(line) {
    const what = line.word(0, "list or redrive");
    if (what !== "list" && what !== "redrive")
      throw new UsageError(`dlq knows list and redrive, not ${JSON.stringify(what)}`);
    const named = await channelOf(line, 2, undefined);
    line.atMost(4);
    const group = groupOf(named);
    const { name } = named.channel;
    return what === "list" ? list(line, name, group) : back(line, name, group);
  },
};

async function list(line: Line, name: string, group: string | undefined): Promise<number> {
  const { terminal, json } = line;
  const terms = { where: filterOf(line), limit: line.number("limit", looked) };
  await using broker = await brokerOf(line, 1);
  const found = await deadLetters(broker, name, group, terms);
  const { letters, oldest, foreign, complete } = found;
  if (json) {
    for (const letter of letters) {
      const { envelope, ...told } = letter;
      await printJson(terminal, { ...told, message: plainMessage(envelope) });
    }
    const { channel, count: all } = found;
    await printJson(terminal, { ok: true, channel, count: all, oldest, foreign, complete });
    return exitCodes.ok;
  }
  const all = several(found.count ?? letters.length, "dead letter");
  const since = oldest === undefined ? "" : `, the oldest ${age(terminal.env.wall() - oldest)} ago`;
  const others = foreign === 0 ? "" : `, ${count(foreign)} that are none of this group`;
  const head = `${styled(terminal, "bold", found.channel)}    ${all}${since}${others}\n`;
  await terminal.print(head + table(letters.map((letter) => rowOf(letter, terminal))));
  if (!complete) terminal.tell("there are more: raise --limit\n");
  return exitCodes.ok;
}

function rowOf({ id, key = "-", diedAt, last, attempts }: DeadLetter, terminal: Terminal) {
  const why = styled(terminal, last.why === "blocked" ? "dim" : "red", last.why);
  const stack = last.stackHash === undefined ? "" : `  stack ${last.stackHash}`;
  const tries = several(attempts, "attempt");
  return [`  ${id}`, key, timestamp(diedAt), why, tries, `${last.code}: ${last.reason}${stack}`];
}

async function back(line: Line, name: string, group: string | undefined): Promise<number> {
  const { terminal, json } = line;
  const within = line.durationMs("within");
  const limit = line.text("limit") === undefined ? {} : { limit: line.number("limit", 1) };
  const rate = line.text("rate") === undefined ? {} : { perSecond: line.number("rate", 1) };
  await using broker = await brokerOf(line, 1);
  const report = await redrive(
    broker,
    name,
    group,
    {
      ...{ where: filterOf(line), ...limit, ...rate },
      dryRun: line.on("dry-run"),
      by: line.text("by") ?? "trunkline dlq redrive",
      signal: terminal.interrupted,
      ...(within === undefined ? {} : { within }),
    },
    terminal.env,
  );
  const through = report.complete || report.dryRun || report.meant === 0;
  if (json) await printJson(terminal, { ok: through, ...report });
  else await terminal.print(shown(report, terminal));
  return through ? exitCodes.ok : exitCodes.found;
}

function shown(report: RedriveReport, terminal: Terminal): string {
  const { channel, group, meant, found, counts, letters, dryRun } = report;
  const title = styled(terminal, "bold", [channel, group ?? []].flat().join(" "));
  const parts = Object.entries(counts).filter(([, each]) => each > 0);
  const told = parts.map(([fate, each]) => `${count(each)} ${fate}`).join(", ");
  const head = `${title}    ${count(meant)} of ${several(found, "dead letter")} meant${told === "" ? "" : `: ${told}`}\n`;
  const notable = letters.filter(
    ({ fate }) => dryRun || (fate !== "handled" && fate !== "redriven"),
  );
  const rows = notable.map(({ id, key = "-", fate, reason = "" }) => [
    `  ${id}`,
    key,
    fate,
    reason,
  ]);
  return head + table(rows);
}

function filterOf(line: Line): LetterFilter {
  return {
    why: line.text("why"),
    code: line.text("code"),
    stack: line.text("stack"),
    key: line.text("key"),
    id: line.text("id"),
    since: timeOf(line, "since"),
    before: timeOf(line, "before"),
  };
}

function timeOf(line: Line, name: string): number | undefined {
  const text = line.text(name);
  if (text === undefined) return undefined;
  const at = Date.parse(text);
  if (Number.isNaN(at))
    throw new UsageError(`--${name} takes a time as 2026-11-28T15:00:00Z, not "${text}"`);
  return at;
}
