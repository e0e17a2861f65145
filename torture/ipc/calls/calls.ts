import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { chassis, client, close, serve } from "trunkline";
import { unix } from "../../../src/transport/unix/index.ts";
import type { Point } from "../points.ts";
import { Caller } from "./caller.ts";
import { Desk } from "./contract.ts";
import { deskOf } from "./desk.ts";
import { deedsIn, faultsOf, lineOf } from "./lines.ts";
import { ServerChild } from "./server-child.ts";

const deadlineMs = 1_500;
/** Whoever survives knows within this, in milliseconds. */
const knownWithinMs = 1_000;
/** Who has not come to its point by then is killed where it is. */
const diesWithinMs = 1_500;

export interface CallsTerms {
  readonly folder: string;
  readonly victim: number;
  readonly point: Point;
  readonly nth: number;
}

export interface CallsStruck {
  readonly killed: boolean;
  /** Requests whose end the survivor has seen. */
  readonly requests: number;
  /** Answered, and never run; said not to have run, and run; items that came twice, or in another order. */
  readonly untrue: readonly string[];
  /** Told too late, or never. */
  readonly late: readonly string[];
}

/** A server is called over a connection that moves, and is killed at a point: what each caller is told is compared with what has run. */
export async function strikeServer(terms: CallsTerms): Promise<CallsStruck> {
  const { folder, victim, point, nth } = terms;
  const address = `unix:${folder}/calls-${victim}.sock`;
  const journal = join(folder, `calls-${victim}.journal`);
  await using server = await new ServerChild({ address, journal, point, nth, deed: "kill" }).up();
  const desk = client(Desk, address, {
    transports: [unix({ shm: { ringBytes: 65_536 } })],
    connectWait: 100,
    deadline: deadlineMs,
  });
  let diedAt = Infinity;
  const lines: string[] = [];
  const caller = new Caller(desk, (line) => lines.push(line));
  const alarm = setTimeout(() => server.child.kill("SIGKILL"), diesWithinMs);
  const ended = server.ended.then(() => (diedAt = performance.now()));
  const over = await Promise.race([
    caller.run(() => diedAt === Infinity).then(() => "all are told"),
    ended.then(() => pause(deadlineMs + knownWithinMs, "some are not told")),
  ]);
  clearTimeout(alarm);
  await ended;
  const late = caller.outcomes
    .filter(({ failure, at }) => failure?.executed === "maybe" && at > diedAt + knownWithinMs)
    .map(({ id, failure }) => `${id} was told late: ${failure!.message}`);
  if (over === "some are not told") late.push("requests are open still");
  await close(desk);
  return {
    killed: server.child.signalCode === "SIGKILL",
    requests: caller.outcomes.length,
    untrue: [
      ...complaintsOf(server.complaint),
      ...faultsOf(server.served(), deedsIn(lines.join(""))),
    ],
    late,
  };
}

/** One that calls over a connection that moves is killed at a point: what was served for it is compared with what it had been told. */
export async function strikeCaller(terms: CallsTerms): Promise<CallsStruck> {
  const { folder, victim, point, nth } = terms;
  const address = `unix:${folder}/called-${victim}.sock`;
  const journal = join(folder, `called-${victim}.journal`);
  const lines: string[] = [];
  const open = new Set<string>();
  const write = (line: string): void => {
    lines.push(line);
    const [id = "", deed] = line.split("\t");
    if (deed === "begins") open.add(id);
    if (deed === "is over") open.delete(id);
  };
  await using _app = await chassis({
    name: "desk",
    listen: address,
    transports: [unix({ shm: { ringBytes: 65_536 } })],
    serve: [serve(Desk, deskOf(write))],
  });
  const args = ["--conditions=@trunkline/source", join(import.meta.dirname, "caller-child.ts")];
  const child = spawn(
    process.execPath,
    [...args, JSON.stringify({ address, journal, point, nth })],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text));
  let alarm: NodeJS.Timeout | undefined;
  child.stdout.once("data", () => {
    alarm = setTimeout(() => child.kill("SIGKILL"), diesWithinMs);
  });
  await once(child, "exit");
  clearTimeout(alarm);
  const until = performance.now() + knownWithinMs;
  while (open.size > 0 && performance.now() < until) await pause(2);
  const called = deedsIn(existsSync(journal) ? readFileSync(journal, "utf8") : "");
  const killed = child.signalCode === "SIGKILL";
  if (!killed) complaint += `it ended by itself: ${child.exitCode} ${child.signalCode}`;
  return {
    killed,
    requests: lines.filter((line) => line.includes(lineOf("", "is over"))).length,
    untrue: [...complaintsOf(complaint), ...faultsOf(deedsIn(lines.join("")), called)],
    late: [...open].map((id) => `${id} is served still`),
  };
}

function complaintsOf(complaint: string): string[] {
  return complaint === "" ? [] : [complaint];
}
