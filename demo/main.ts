// The air-traffic desk: several processes that speak to each other, real data, one process killed in the middle of its
// work. README.md beside this file tells the story; each folder here is a process.
import { mkdtempSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { client } from "trunkline";
import { addressOf, registryOf } from "./addresses.ts";
import type { Flight } from "./contracts/flight.ts";
import { Ledger, type Figures } from "./contracts/ledger.ts";
import { Schedule } from "./contracts/schedule.ts";
import { readFlights } from "./flights.ts";
import { FlightRecorder } from "./member/flight-recorder.ts";
import { contracts } from "./member/member.ts";
import { Meter } from "./member/meter.ts";
import { issueCredentials } from "./room/authority.ts";
import { Audit, differences } from "./room/audit.ts";
import { ControlRoom } from "./room/control-room.ts";
import { disrupt, type Disruption } from "./room/disruptions.ts";
import { Fleet } from "./room/fleet.ts";
import { Guests } from "./room/guests.ts";
import { takePorts } from "./room/ports.ts";
import { Progress } from "./room/progress.ts";
import { jsonOf, report, type Facts } from "./room/report.ts";
import { readSettings, usage, type Settings } from "./room/settings.ts";
import { sheetDifferences } from "./room/sheet-check.ts";
import { Sheets } from "./room/sheets.ts";
import { census, verdictOf, type Verdict } from "./room/verdict.ts";
import { exchanges } from "./exchange/brokers.ts";
import { exchangeText } from "./exchange/exchange-text.ts";
import { stormText } from "./storm/storm-text.ts";
import { storms } from "./storm/weather.ts";

const limitFactor = 4;
const limitMinMs = 60_000;

let settings: Settings | "help";
try {
  settings = readSettings(process.argv.slice(2));
} catch (error) {
  console.error(`${(error as Error).message}\n\n${usage}`);
  process.exit(2);
}
if (settings === "help") console.log(usage);
else process.exitCode = (await run(settings)) ? 0 : 1;

async function run(given: Settings): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), "atc-"));
  const towers = numbers(given.towers).map((number) => `tower-${number}`);
  if (given.tcp) await takePorts(folder, ["control", "ledger", "schedule", ...towers]);
  const meter = new Meter(contracts);
  const recorder = new FlightRecorder("control");
  await using room = await ControlRoom.open(addressOf(folder, "control"));
  await using fleet = new Fleet(folder, given, room);
  leaveNothing(folder, fleet);
  issueCredentials(folder, ["archive", "control", ...towers]);
  const discovery = registryOf(folder);
  await using schedule = client(Schedule, "service:schedule", { discovery });
  await using ledger = client(Ledger, "service:ledger", { discovery });
  const flights = readFlights();
  const audit = new Audit(flights);
  const sources = { room, audit, fleet, towers: given.towers, flights: flights.length };
  using progress = new Progress(sources);
  const note = (error: unknown): void => fleet.report((error as Error).message.split("\n")[0]!);

  try {
    await start(fleet, given);
  } catch (error) {
    console.error((error as Error).message);
    return false;
  }
  const { counter } = fleet;
  progress.say(`while it runs:  curl ${counter}/airports/ORD  ·  in a browser ${counter}/docs`);
  await using sheets = new Sheets({ room, recorder, folder, towers });
  const read = Promise.all([audit.follow(ledger), sheets.follow()]).catch(note);
  const begun = performance.now();
  await schedule.begin({ seconds: given.seconds }).catch(note);
  progress.tell("the flights come up");
  let disruptions: readonly Disruption[] = [];
  const over = new AbortController();
  const asked = sheets.askInTurn(given.seconds, over.signal).catch(note);
  const guests = new Guests(folder, counter, flights);
  const visited = guests.visit(over.signal).catch(note);
  const disrupted = disrupt(fleet, sheets, given.seconds, (news) => progress.tell(news))
    .then((all) => (disruptions = all))
    .catch(note);
  const done = Promise.all([disrupted, fleet.ended("desk")]);
  await Promise.race([done, fleet.accident, limit(given.seconds).catch(note)]);
  const seconds = (performance.now() - begun) / 1_000;

  progress.tell("the last sheets are handed in");
  over.abort();
  await Promise.race([visited, fleet.accident]);
  await Promise.race([asked.then(() => sheets.askAll()).catch(note), fleet.accident]);
  progress.tell("comparing with the file");
  const figures: Figures[] = [];
  await readAll(ledger.figures(), figures).catch(note);
  await stop(fleet);
  await read;
  progress[Symbol.dispose]();

  const reports = [...room.reports.values(), { ...meter.report("control"), latenciesUs: [] }];
  const verdict = verdictOf({
    reports,
    latenciesUs: room.latenciesUs,
    audit,
    sheets,
    disruptions,
    guests,
    differences: differences(flights, figures),
    sheetDifferences: sheetDifferences(sheets.stored, audit.entries, flights),
    accidents: fleet.accidents,
    seconds,
  });
  const facts = { ...census(reports), flights: flights.length, seconds, disruptions, figures };
  return await tell(verdict, facts, given, folder, flights);
}

/** Tells what it came to, after the storm if there is to be one. True when all is as it must be. */
async function tell(
  verdict: Verdict,
  facts: Omit<Facts, "stream">,
  asked: Settings,
  folder: string,
  flights: readonly Flight[],
): Promise<boolean> {
  const { json, storm } = asked;
  const stream = json ? process.stderr : process.stdout;
  stream.write(`${report(verdict, { ...facts, stream })}\n`);
  const exchanged = await exchanges(folder, asked, flights, console.error);
  stream.write(`${exchangeText(exchanged)}\n`);
  const struck = storm ? await storms(folder, asked, console.error) : undefined;
  if (struck !== undefined) stream.write(`${stormText(struck)}\n`);
  if (json) console.log(jsonOf(verdict, exchanged, struck));
  const delivered = exchanged.every(({ off }) => off.length === 0);
  return verdict.off.length === 0 && delivered && (struck === undefined || struck.off.length === 0);
}

/** First those that the others ask, the desks last. */
async function start(fleet: Fleet, { towers, desks }: Settings): Promise<void> {
  await Promise.all([
    fleet.start("archive"),
    fleet.start("schedule"),
    fleet.start("ledger"),
    ...numbers(towers).map((number) => fleet.start("tower", number)),
  ]);
  fleet.counter = (await fleet.start("counter")) ?? "";
  await Promise.all(numbers(desks).map((number) => fleet.start("desk", number)));
}

/** The other way round. */
async function stop(fleet: Fleet): Promise<void> {
  fleet.killAll("desk"); // none is left, unless there was an accident
  await fleet.stop("counter");
  await fleet.stop("tower");
  await Promise.all((["archive", "ledger", "schedule"] as const).map((role) => fleet.stop(role)));
}

/** However this process ends, no other one and no file stays behind. */
function leaveNothing(folder: string, fleet: Fleet): void {
  process.on("exit", () => {
    fleet.killAll();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => process.exit(128 + constants.signals[signal]));
}

/** The flights come up in the time asked for; a busy machine may take longer to clear them, but not for ever. */
async function limit(seconds: number): Promise<never> {
  const ms = Math.max(limitMinMs, seconds * 1_000 * limitFactor);
  await sleep(ms, undefined, { ref: false });
  throw new Error(`the desks were not done within ${ms / 1_000} s`);
}

async function readAll<Item>(items: AsyncIterable<Item>, into: Item[]): Promise<void> {
  for await (const item of items) into.push(item);
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}
