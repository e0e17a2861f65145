import { batchesCases } from "./suite/batches.ts";
import { keepingCases } from "./suite/keeping.ts";
import { removingCases } from "./suite/removing.ts";
import { rowsCases } from "./suite/rows.ts";
import type { StorageStand } from "./suite/stand.ts";

/** One sentence about storages, with its proof. */
export interface StorageCase {
  readonly name: string;
  run(): Promise<void>;
}

/**
 * The conformance suite of storages: each promise of the port, and its proof. Register the cases with any test runner.
 */
export function storageCases(stand: () => Promise<StorageStand>): StorageCase[] {
  const cases = { ...rowsCases, ...batchesCases, ...removingCases, ...keepingCases };
  return Object.entries(cases).map(([name, play]) => ({
    name,
    run: async () => {
      const subject = await stand();
      try {
        await play(subject);
      } finally {
        await subject.end();
      }
    },
  }));
}
