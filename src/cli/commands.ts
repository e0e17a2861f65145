import { bench } from "./bench.ts";
import { call } from "./call.ts";
import type { Command } from "./command.ts";
import { completion } from "./completion.ts";
import { describe } from "./describe.ts";
import { health } from "./health.ts";
import { stats } from "./stats.ts";

const asking: readonly Command[] = [describe, call, health, stats, bench];

/** Every command there is, in the order in which help lists them. */
export const commands: readonly Command[] = [...asking, completion(asking)];
