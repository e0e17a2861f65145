import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";

import { ProcessMemory, processBytesDefault } from "./process-memory.ts";
import { shmSettings } from "./settings.ts";

test("what would be more than a process may have is not taken", () => {
  const memory = new ProcessMemory();
  deepEqual(
    [memory.take(60, 100), memory.take(41, 100), memory.take(40, 100), memory.bytes],
    [true, false, true, 100],
  );
  memory.give(60);
  equal(memory.take(60, 100), true);
});

test("a connection takes what the settings say, and the bound is checked", () => {
  equal(shmSettings().processBytesMax, processBytesDefault());
  equal(shmSettings({ processBytesMax: 0 }).processBytesMax, 0);
  for (const processBytesMax of [-1, 1.5, Number.NaN]) {
    let code: unknown;
    try {
      shmSettings({ processBytesMax });
    } catch (error) {
      ({ code } = error as { code: unknown });
    }
    equal(code, "INVALID_ARGUMENT");
  }
});

test("it is a quarter of what a cgroup allows, and never more than it is without one", () => {
  const [without, large] = [processBytesDefault(0), processBytesDefault(2 ** 64)];
  deepEqual([without, large], [268_435_456, 268_435_456]);
  equal(processBytesDefault(100_000_001), 25_000_000);
});
