import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { client, close, type TrunklineError } from "trunkline";
import { unix } from "../../../src/transport/unix/index.ts";
import type { Point } from "../points.ts";
import { Desk } from "./contract.ts";
import { ServerChild } from "./server-child.ts";

/** Calls at once, each after the other. */
const lanes = 16;
const deadlineMs = 1_500;
/** Whoever has sent a call knows within this that nobody answers it any more. */
const knownWithinMs = 1_000;
const diesWithinMs = 5_000;

export interface CallsStruck {
  readonly killed: boolean;
  readonly calls: number;
  /** Answered, and never run; or said not to have run, and run. */
  readonly untrue: readonly string[];
  /** Told too late, or never. */
  readonly late: readonly string[];
}

/** A server is called over a connection that moves, and is killed at a point: what each caller is told is compared with what has run. */
export async function strikeCalls(
  folder: string,
  victim: number,
  point: Point,
  nth: number,
): Promise<CallsStruck> {
  const address = `unix:${folder}/calls-${victim}.sock`;
  const journal = join(folder, `calls-${victim}.journal`);
  await using server = await new ServerChild({ address, journal, point, nth, deed: "kill" }).up();
  const desk = client(Desk, address, {
    transports: [unix({ shm: { ringBytes: 65_536 } })],
    connectWait: 100,
    deadline: deadlineMs,
  });
  let diedAt = Infinity;
  const giveUpAt = performance.now() + diesWithinMs;
  server.ended.then(
    () => (diedAt = performance.now()),
    () => {},
  );
  const outcomes: {
    readonly id: string;
    readonly failure: TrunklineError | undefined;
    readonly at: number;
  }[] = [];
  const lane = async (of: number): Promise<void> => {
    for (let count = 0; diedAt === Infinity && performance.now() < giveUpAt; count++) {
      const id = `${of}-${count}${count % 7 === 6 ? "-slow" : ""}`;
      const result = await desk.note.result({ id });
      const failure = result.ok ? undefined : (result.error as TrunklineError);
      outcomes.push({ id, failure, at: performance.now() });
      if (failure !== undefined) await pause(5);
    }
  };
  await Promise.all(Array.from({ length: lanes }, (_, of) => lane(of)));
  const killed = server.child.signalCode === "SIGKILL";
  await close(desk);
  const ran = server.ran();
  const untrue = outcomes.flatMap(({ id, failure }) => {
    if (failure === undefined) return ran.has(id) ? [] : [`${id} was answered, and has not run`];
    return failure.executed === "no" && ran.has(id) ? [`${id} has run: ${failure.message}`] : [];
  });
  const late = outcomes
    .filter(({ failure, at }) => failure?.executed === "maybe" && at > diedAt + knownWithinMs)
    .map(({ id, failure }) => `${id} was told late: ${failure!.message}`);
  return { killed, calls: outcomes.length, untrue, late };
}
