// Who asks, the same whatever stands in the middle: `asker.ts`.
import { Pool, type Dispatcher } from "undici";
import { client } from "trunkline";
import { answer } from "../child.ts";
import { orderOf, Orders } from "./orders.ts";

export interface Question {
  /** `http://…` or `unix:…` */
  readonly at: string;
  readonly inFlight: number;
  readonly seconds: number;
}

export interface Answered {
  readonly count: number;
  readonly seconds: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

const timesMax = 1_000_000;
const times = new Float64Array(timesMax);
const expected = JSON.stringify(orderOf("o-17"));

/** One request, its answer checked. */
type Ask = () => Promise<void>;

const ways = new Map<string, Ask>();

function wayTo(at: string): Ask {
  let way = ways.get(at);
  if (way === undefined) ways.set(at, (way = at.startsWith("http") ? byHttp(at) : byTrunkline(at)));
  return way;
}

function byTrunkline(at: string): Ask {
  const orders = client(Orders, at, { checkSent: false });
  return async () => {
    const { id } = await orders.get({ id: "o-17" });
    if (id !== "o-17") throw new Error("a wrong answer");
  };
}

/** Undici's lowest level. */
function byHttp(at: string): Ask {
  const pool = new Pool(at, {
    connections: 64,
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 600_000,
  });
  return () =>
    new Promise((resolve, reject) => {
      let text = "";
      let status = 0;
      const handler: Dispatcher.DispatchHandler = {
        onRequestStart() {},
        onResponseStart: (_, code) => void (status = code),
        onResponseData: (_, chunk) => void (text += chunk.toString()),
        onResponseEnd: () =>
          status === 200 && text === expected
            ? resolve()
            : reject(new Error(`a wrong answer: ${status} ${text}`)),
        onResponseError: (_, error) => reject(error),
      };
      pool.dispatch({ path: "/orders/o-17", method: "GET" }, handler);
    });
}

answer(async ({ at, inFlight, seconds }: Question): Promise<Answered> => {
  const ask = wayTo(at);
  const from = performance.now();
  const until = from + seconds * 1_000;
  let count = 0;
  const one = async (): Promise<void> => {
    for (let before = performance.now(); before < until;) {
      await ask();
      const after = performance.now();
      if (count < timesMax) times[count++] = (after - before) * 1_000;
      before = after;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, one));
  const sorted = times.subarray(0, count).toSorted();
  const at_ = (share: number): number => sorted[Math.floor(share * (count - 1))]!;
  return { count, seconds: (performance.now() - from) / 1_000, p50Us: at_(0.5), p99Us: at_(0.99) };
});
