import { count } from "../units.ts";
import { isMeasured, type Measured, type Outcome } from "./measure/measured.ts";
import { sameWithin } from "./recommend.ts";

/** What people say of mechanisms, what this machine says, and what is to be made of it. */
export interface Saying {
  readonly they: string;
  readonly measured: string;
  readonly so: string;
}

/** How soon one answer comes, where that was measured, and how many come when many are asked for at once. */
interface Work {
  readonly p50Us?: number;
  readonly perSecond: number;
}

/** What is said to be faster, beside what it is said to be faster than. */
interface Comparison {
  readonly what: string;
  readonly than: string;
  readonly one: Work;
  readonly other: Work;
}

/** All sayings that there are figures for. Pure: what is true is decided by the figures. */
export function sayingsOf(outcomes: readonly Outcome[]): Saying[] {
  const measured = outcomes.filter(isMeasured);
  const beside = (
    what: string,
    than: string,
    work: (of: Measured) => Work | undefined,
    named = what,
  ): Comparison[] => {
    const [one, other] = [what, than].map((name) => {
      const found = measured.find((each) => each.name === name);
      return found && work(found);
    });
    return one === undefined || other === undefined ? [] : [{ what: named, than, one, other }];
  };
  const [shm, unix] = ["unix → shm", "unix"] as const;
  return [
    ...held("Unix sockets are faster than TCP", beside(unix, "tcp", calls)),
    ...held(
      "datagrams are faster than streams",
      [...beside("unixgram", unix, sent), ...beside("udp", "tcp", sent)],
      "A stream takes many messages in one system call, a datagram takes one",
    ),
    ...held(
      "message passing is faster than sockets",
      [...beside("worker", unix, calls), ...beside("unixpacket", unix, calls)],
      "To wake the other side is what takes the time, and all have to",
    ),
    ...held(
      "message queues are much faster than Unix sockets",
      beside("mq", unix, sent),
      "And for no more than 8 KiB, unless root allows it",
    ),
    ...held(
      "shared memory is the fastest",
      [
        ...beside(shm, unix, calls),
        ...beside(shm, unix, (of) => many(of, 2), `${shm} with 64 KiB`),
        ...beside(shm, unix, (of) => many(of, 3), `${shm} with 1 MiB`),
        ...beside(shm, unix, ({ stream }) => stream, `${shm} with items`),
      ],
      "A side looks for a moment before it sleeps, which saves the waking: it takes a core to look with",
    ),
    ...(measured.length === 0 ? [] : [onlyAnAddress]),
    ...(measured.some(({ name }) => name === "mq" || name === "unixgram") ? [noConnection] : []),
  ];
}

const onlyAnAddress: Saying = {
  they: "going from TCP to a Unix socket is only an address",
  measured: "one program ran over all of them, and nothing but its address was another one",
  so: "true",
};

const noConnection: Saying = {
  they: "named queues need no connection",
  measured: "messages were sent to a name",
  so: "true. What one gives up for it are answers, and with mq more than ten messages that wait, and knowing who has sent them",
};

/** A saying that one is faster than the other; none where nothing was measured of it. */
function held(they: string, comparisons: readonly Comparison[], why?: string): Saying[] {
  if (comparisons.length === 0) return [];
  const measured = comparisons.map(({ what, than, one, other }) => {
    const rates = `${count(one.perSecond)} a second against ${count(other.perSecond)}`;
    const all =
      one.p50Us === undefined
        ? rates
        : `one at a time ${us(one.p50Us)} against ${us(other.p50Us)}, many ${rates}`;
    return `${what} beside ${than}: ${all}`;
  });
  const verdicts = comparisons.map(({ what, one, other }) => {
    const rate = times(one.perSecond / other.perSecond);
    const all =
      one.p50Us === undefined
        ? rate
        : `one at a time ${times(other.p50Us! / one.p50Us)}, many ${rate}`;
    return comparisons.length === 1 ? all : `${what}: ${all}`;
  });
  const so = [verdicts.join("; "), ...(why === undefined ? [] : [why])].join(". ");
  return [{ they, measured: measured.join("; "), so }];
}

/** In words that say no more than one run can. */
function times(ratio: number): string {
  if (ratio >= sameWithin) return `${ratio.toFixed(1)} times as fast`;
  return ratio <= 1 / sameWithin ? `${(1 / ratio).toFixed(1)} times as slow` : "the same";
}

function us(value = 0): string {
  return `${value.toFixed(1)} µs`;
}

/** Calls of 64 B. */
function calls(of: Measured): Work | undefined {
  const rate = many(of, 0);
  return of.call && rate && { p50Us: of.call.p50Us, perSecond: rate.perSecond };
}

/** Calls of the size with that number, many at once. */
function many({ sizes }: Measured, size: number): Work | undefined {
  const rate = sizes?.[size];
  return rate && { perSecond: rate.perSecond };
}

function sent({ oneWay }: Measured): Work | undefined {
  return oneWay && { p50Us: oneWay.roundTrip.p50Us, perSecond: oneWay.perSecond };
}
