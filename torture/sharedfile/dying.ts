// A process that publishes or consumes until it comes to a step at which it kills itself: `dying.ts ADDRESS ROLE SEED NAME LOG`.
import { seededRandom } from "../../src/base/random.ts";
import { linesOf, Log } from "../log.ts";
import { dieAt, steps } from "./steps.ts";

/** How often the step is passed before, at most and seldom: some come many times a second, and some once in a life. */
const timesMax = 60;

const [, , address = "", role = "", seed = "", name = "", log = ""] = process.argv;
const lives = linesOf(log).filter(({ what }) => what === "born").length;
// Each life dies elsewhere, also after one that died before it was at work.
const own = new Log(log);
own.write("born");
own.close();
const random = seededRandom(Number(seed), `${name} ${lives}`);
const step = steps[Math.floor(random() * steps.length)]!;
dieAt(step, 1 + Math.floor(random() ** 4 * timesMax));
process.argv.splice(2, Infinity, address, name, log);
await import(`../broker/${role}.ts`);
