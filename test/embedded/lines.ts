import type { openBroker } from "trunkline";

type Broker = Awaited<ReturnType<typeof openBroker>>;

/** What the test tells a worker. */
export type Order =
  | {
      readonly order: "publish";
      readonly from: number;
      readonly count: number;
      readonly inFlight: number;
    }
  | { readonly order: "close" };

/** What a worker says. `at`: microseconds of the host's monotonic clock. */
export type Line = { readonly at: number } & (
  | { readonly say: "open" | "published" | "closed" }
  | { readonly say: "confirmed"; readonly id: string }
  | { readonly say: "failed"; readonly id: string; readonly text: string }
  | { readonly say: "got" | "acked" | "fenced"; readonly id: string; readonly key: string }
);

export const work: Parameters<Broker["declare"]>[0][number] = {
  ...{ name: "work", shape: "queue", ordered: true, shards: 4, groups: [] },
  ...{ guarantee: "at-least-once", enqueued: "stored", mandatory: true, native: {} },
  ...{ retentionMs: undefined, lengthMax: undefined, priorityMax: 0, compacted: false },
};
