import type { Handlers } from "trunkline";
import { itemOf, numberOf, numberOfSheet, sheetOf, type Desk } from "./contract.ts";
import { lineOf, type Deed } from "./lines.ts";

/** Serves the desk, and has each thing written down before the next one happens. */
export function deskOf(write: (line: string) => void): Handlers<typeof Desk> {
  const does = (id: string, deed: Deed, number?: number): void => write(lineOf(id, deed, number));

  const taken = <T>(id: string, item: T, of: (item: T) => number): number => {
    try {
      const number = of(item);
      does(id, "takes", number);
      return number;
    } catch (error) {
      does(id, "is wrong");
      throw error;
    }
  };

  async function* mirrored<T>(
    id: string,
    items: AsyncIterable<T>,
    of: (item: T) => number,
    made: (number: number) => T,
  ): AsyncGenerator<T> {
    does(id, "begins");
    try {
      for await (const item of items) {
        const number = taken(id, item, of);
        does(id, "tells", number);
        yield made(number);
      }
    } finally {
      does(id, "is over");
    }
  }

  return {
    note: async ({ id }) => {
      does(id, "begins");
      if (id.endsWith("slow")) await new Promise((done) => setTimeout(done, 100));
      does(id, "is over");
      return { id };
    },
    count: async function* ({ to }) {
      for (let number = 0; number < to; number++) yield { number };
    },
    tell: async function* ({ id, to }) {
      does(id, "begins");
      try {
        for (let number = 0; number < to; number++) {
          does(id, "tells", number);
          yield itemOf(number);
        }
      } finally {
        does(id, "is over");
      }
    },
    take: async (items, { head: { id } }) => {
      does(id, "begins");
      try {
        let count = 0;
        for await (const item of items) {
          taken(id, item, numberOf);
          count++;
        }
        return { taken: count };
      } finally {
        does(id, "is over");
      }
    },
    mirror: (items, { head: { id } }) => mirrored(id, items, numberOf, itemOf),
    swap: (items, { head: { id } }) => mirrored<Uint8Array>(id, items, numberOfSheet, sheetOf),
  };
}
