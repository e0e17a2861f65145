import { titleOf } from "./case.ts";
import type { Sample } from "./pair.ts";
import type { Row } from "./rounds.ts";
import { spreadOf, type Spread } from "./spread.ts";

/** One line of a report: a peer in a case, over all rounds. */
export interface Line {
  readonly case: string;
  readonly peer: string;
  /** Calls or items a second. */
  readonly rate: Spread;
  readonly cpuUsEach: Spread;
  readonly p50Us?: Spread;
  readonly p99Us?: Spread;
}

export function lineOf({ of, peer, samples }: Row): Line {
  const spread = (value: (sample: Sample) => number | undefined): Spread =>
    spreadOf(samples.map((sample) => value(sample)!));
  const line = {
    case: titleOf(of),
    peer,
    rate: spread(rateOf),
    cpuUsEach: spread((sample) => sample.cpuUsEach),
  };
  return samples[0]?.p50Us === undefined
    ? line
    : {
        ...line,
        p50Us: spread((sample) => sample.p50Us),
        p99Us: spread((sample) => sample.p99Us),
      };
}

export function rateOf(sample: Sample): number {
  return sample.count / sample.seconds;
}

/** One peer beside another, round by round: what disturbs a whole round disturbs both. */
export function ratioOf(a: Row, b: Row, value: (sample: Sample) => number): number {
  const each = a.samples.map((sample, round) => value(sample) / value(b.samples[round]!));
  return Number(spreadOf(each).median.toPrecision(3));
}
