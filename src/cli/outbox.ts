import type { DeadOutboxRow, LaneStatus, OutboxStatus } from "../store/outbox-rows.ts";
import { isOrdered, leaseShares } from "../store/outbox-rows.ts";
import type { Store } from "../store/store.ts";
import { storeAt } from "../chassis/store-at.ts";
import { timestamp } from "../base/timestamp.ts";
import { UsageError, type Command, type Line } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { doctor } from "./outbox-doctor.ts";
import { table, type Cell } from "./table.ts";
import { printJson, styled, type Terminal } from "./terminal.ts";
import { age, bytes, count, several } from "./units.ts";

const lanesShown = 10;
const deadShown = 1_000;
/** Keys of dead rows that are redriven at once. */
const redriveRows = 1_000;

const acts: Readonly<Record<string, (line: Line, store: Store) => Promise<number>>> = {
  status,
  doctor,
  dead,
  redrive,
  tailing,
};

/** The outbox of a database, in the eyes of whoever runs it. */
export const outbox: Command = {
  name: "outbox",
  summary: "look after the outbox of a database",
  usage: "status|doctor|dead|redrive|tailing ADDRESS [on|off]",
  about: `status: what waits, and how long; doctor: what is wrong, and what to do, and it
ends with 8 when something is; dead: messages that were given up; redrive: puts
them back at the end of their lane, in their order; tailing on: makes the
publication and the slot by which PostgreSQL tells of commits at once.`,
  options: {
    lanes: { value: "NUMBER", about: `status: how many lanes to show; default ${lanesShown}` },
    oldest: {
      value: "DURATION",
      about: "doctor: who waits longer waits too long; default 1m",
    },
    limit: { value: "NUMBER", about: `dead: how many at most; default ${count(deadShown)}` },
    key: { value: "TEXT", about: "redrive: all of this ordering key" },
    id: { value: "TEXT", about: "redrive: the message of this id, and no other" },
    all: { about: "redrive: everything" },
  },
  words: Object.keys(acts),
  examples: [
    "outbox status postgres://localhost/shop",
    "outbox doctor sqlite:./shop.db --oldest 30s --json",
    "outbox dead mysql://localhost/shop",
    "outbox redrive postgres://localhost/shop --key o-1",
    "outbox tailing postgres://localhost/shop on",
  ],
  async run(line) {
    const what = line.word(0, Object.keys(acts).join(", "));
    const act = Object.hasOwn(acts, what) ? acts[what] : undefined;
    if (act === undefined)
      throw new UsageError(
        `outbox knows ${Object.keys(acts).join(", ")}, not ${JSON.stringify(what)}`,
      );
    const address = line.word(1, "ADDRESS");
    line.atMost(what === "tailing" ? 3 : 2);
    await using store = await storeAt(address, { tailing: true });
    return await act(line, store);
  },
};

async function status(line: Line, store: Store): Promise<number> {
  const { terminal, json } = line;
  const found = await store.outbox.status(line.number("lanes", lanesShown));
  const { address } = store;
  if (json) await printJson(terminal, { ok: true, store: address, ...found });
  else await terminal.print(shown(address, found, terminal));
  return exitCodes.ok;
}

function shown(address: string, found: OutboxStatus, terminal: Terminal): string {
  const { pending, oldestMs, dead: gone, relays, unleased, lanes } = found;
  const oldest = oldestMs > 0 ? `, the oldest ${age(oldestMs)} old` : "";
  const given = gone === 0 ? "" : styled(terminal, "red", `, ${count(gone)} dead`);
  const head = `${styled(terminal, "bold", address)}    ${count(pending)} pending${oldest}${given}\n`;
  const free =
    unleased === 0
      ? "all lanes are theirs"
      : `${unleased} of ${leaseShares} shares of the lanes are nobody's`;
  const relaying =
    relays === 0
      ? styled(terminal, "red", "nobody relays")
      : `${several(relays, "relay")}, ${free}`;
  return `${head}  ${relaying}\n${table(lanes.map((lane) => rowOf(lane, terminal)))}`;
}

function rowOf({ lane, pending, oldestMs, refusals }: LaneStatus, terminal: Terminal): Cell[] {
  const stands = refusals === 0 ? "" : `refused ${several(refusals, "time")}`;
  return [
    `  lane ${lane}`,
    { right: `${count(pending)} pending` },
    `oldest ${age(oldestMs)}`,
    stands === "" && !isOrdered(lane) ? "without order" : styled(terminal, "yellow", stands),
  ];
}

async function dead(line: Line, store: Store): Promise<number> {
  const { terminal, json } = line;
  const limit = line.number("limit", deadShown);
  const rows = await store.outbox.dead(limit);
  if (json) {
    for (const { data, head, channel, ...told } of rows)
      await printJson(terminal, {
        ...told,
        channel: JSON.parse(channel),
        head: JSON.parse(head),
        bytes: data.length,
      });
    await printJson(terminal, { ok: true, store: store.address, complete: rows.length < limit });
    return exitCodes.ok;
  }
  const head = `${styled(terminal, "bold", store.address)}    ${several(rows.length, "dead message")}\n`;
  await terminal.print(head + table(rows.map((row) => deadRowOf(row, terminal))));
  if (rows.length === limit) terminal.tell("there may be more: raise --limit\n");
  return exitCodes.ok;
}

function deadRowOf(row: DeadOutboxRow, terminal: Terminal): string[] {
  const { id, key = "-", channel, deadAt, data, parking, reason } = row;
  const why = styled(terminal, parking === "follows" ? "dim" : "red", reason);
  return [`  ${id}`, key, channelNameOf(channel), timestamp(deadAt), bytes(data.length), why];
}

function channelNameOf(channel: string): string {
  const { name } = JSON.parse(channel) as { readonly name?: unknown };
  return typeof name === "string" ? name : channel;
}

async function redrive(line: Line, store: Store): Promise<number> {
  const { terminal, json } = line;
  const [key, id] = [line.text("key"), line.text("id")];
  const all = line.on("all");
  if ([key !== undefined, id !== undefined, all].filter(Boolean).length !== 1)
    throw new UsageError("redrive takes one of --key, --id and --all");
  let redriven = 0;
  if (key !== undefined) redriven = await store.outbox.redrive({ key });
  else if (id !== undefined) redriven = await store.outbox.redrive({ id });
  else redriven = await redriveAll(store);
  if (json) await printJson(terminal, { ok: redriven > 0, store: store.address, redriven });
  else
    await terminal.print(
      redriven > 0 ? `${several(redriven, "message")} put back\n` : "nothing like that is dead\n",
    );
  return redriven > 0 ? exitCodes.ok : exitCodes.found;
}

/** Key by key, in the order in which they died: so the order within each is kept. */
async function redriveAll(store: Store): Promise<number> {
  let redriven = 0;
  for (;;) {
    const rows = await store.outbox.dead(redriveRows);
    const before = redriven;
    const keys = new Set(rows.flatMap(({ key }) => key ?? []));
    for (const key of keys) redriven += await store.outbox.redrive({ key });
    for (const { id, key } of rows)
      if (key === undefined) redriven += await store.outbox.redrive({ id });
    if (redriven === before) return redriven;
  }
}

async function tailing(line: Line, store: Store): Promise<number> {
  const { terminal, json } = line;
  const which = line.word(2, "on or off");
  if (which !== "on" && which !== "off")
    throw new UsageError(`tailing is turned on or off, not ${JSON.stringify(which)}`);
  const { log } = store;
  if (log === undefined)
    throw new UsageError(`${store.address} has no log that can be followed; PostgreSQL has one`);
  const done = await (which === "on" ? log.enable() : log.disable());
  if (json) await printJson(terminal, { ok: true, store: store.address, done });
  else await terminal.print(done.length === 0 ? "it is so already\n" : `${done.join("\n")}\n`);
  return exitCodes.ok;
}
