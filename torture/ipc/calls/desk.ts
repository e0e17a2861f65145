import type { Handlers } from "trunkline";
import { itemOf, numberOf, type Desk } from "./contract.ts";
import { lineOf, type Deed } from "./lines.ts";

/** Serves the desk, and has each thing written down before the next one happens. */
export function deskOf(write: (line: string) => void): Handlers<typeof Desk> {
  const does = (id: string, deed: Deed, number?: number): void => write(lineOf(id, deed, number));
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
      let taken = 0;
      try {
        for await (const item of items) {
          does(id, "takes", numberOf(item));
          taken++;
        }
        return { taken };
      } finally {
        does(id, "is over");
      }
    },
    mirror: async function* (items, { head: { id } }) {
      does(id, "begins");
      try {
        for await (const item of items) {
          const number = numberOf(item);
          does(id, "takes", number);
          does(id, "tells", number);
          yield itemOf(number);
        }
      } finally {
        does(id, "is over");
      }
    },
  };
}
