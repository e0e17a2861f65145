import { start } from "../child.ts";
import { goal, table, type BenchOptions, type Goal } from "../report.ts";
import { spreadOf, type Spread } from "../spread.ts";
import type { LoanAnswer, LoanQuestion } from "./loan-client.ts";

const sizes: readonly number[] = [1, 4, 16, 64, 256];
/** In a run that shows only that it works. */
const sizesQuick: readonly number[] = [1, 16];
/** In each round, of each size and way, after one that is not counted. */
const sentEach = 6;

const ways = {
  copied: "copied",
  once: "lent at once",
  later: "lent 50 ms after it was filled",
} as const;

/** One size in one way, times in milliseconds. */
export interface LoanLine {
  readonly case: string;
  readonly peer: string;
  /** What the memory is in that is lent; those who copy have none of it. */
  readonly pages: "huge" | "small" | "none";
  readonly madeMs: Spread;
  readonly receivedMs: Spread;
  readonly answeredMs: Spread;
}

/** Payloads from 1 to 256 MiB that are handed over to another process, in turn, one at a time. */
export async function measureLoans(folder: string, options: BenchOptions): Promise<LoanLine[]> {
  const server = await start<object, number>("ipc/loan-server.ts", [folder]);
  const client = await start<LoanQuestion, LoanAnswer>("ipc/loan-client.ts", [server.about]);
  const cases = (options.quick ? sizesQuick : sizes).flatMap((mebibytes) =>
    (["copied", "once", "later"] as const).map((way) => ({
      ask: { mebibytes, way },
      answers: [] as LoanAnswer[],
    })),
  );
  const rounds = options.quick ? 1 : options.rounds;
  for (let round = 1; round <= rounds; round++) {
    for (const { ask, answers } of cases) {
      options.progress(`round ${round} of ${rounds}: ${ask.mebibytes} MiB, ${ways[ask.way]}`);
      await client.ask(ask);
      for (let sent = 0; sent < (options.quick ? 1 : sentEach); sent++)
        answers.push(await client.ask(ask));
    }
  }
  await client.end();
  await server.end();
  return cases.map(({ ask, answers }) => {
    const spread = (value: (answer: LoanAnswer) => number): Spread => spreadOf(answers.map(value));
    return {
      case: `${ask.mebibytes} MiB`,
      peer: `trunkline shm, ${ways[ask.way]}`,
      pages: answers[0]!.pages,
      madeMs: spread(({ madeMs }) => madeMs),
      receivedMs: spread(({ receivedMs }) => receivedMs),
      answeredMs: spread(({ answeredMs }) => answeredMs),
    };
  });
}

/** Whether it takes the same time whatever it is that is lent. */
export function loansGoal(lines: readonly LoanLine[]): Goal {
  const each = lines
    .filter(({ peer }) => peer.endsWith(ways.later))
    .map(({ receivedMs }) => receivedMs.median);
  const name = "a loan of any size until it is received: the slowest beside the fastest";
  return goal(name, Math.max(...each) / Math.min(...each), "≤", 2, "×");
}

export function loansTable(lines: readonly LoanLine[]): string {
  const rows = lines.map((line) => [
    `${line.case}, ${line.peer}`,
    line.pages,
    shown(line.madeMs.median),
    shown(line.receivedMs.median),
    `${shown(line.receivedMs.low)}–${shown(line.receivedMs.high)}`,
    shown(line.answeredMs.median),
  ]);
  const head = ["payloads handed over, ms", "pages", "made", "received", "half", "answered"];
  return table(head, rows);
}

function shown(milliseconds: number): string {
  return milliseconds.toFixed(2);
}
