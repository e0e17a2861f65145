import { createTable } from "../table.ts";

/*
 * A writer, to be started as a process: `prices.ts PATH COUNT`. Sets values each of which is one number many times, of changing length,
 * COUNT of them, or until it is killed; tells when it is the writer, and when it is through.
 */
const [path, count] = process.argv.slice(2) as [string, string];
const table = createTable<number[]>(path);
const from = table.version;
process.send!("writes");
for (let n = from + 1; n <= from + Number(count); n++)
  table.set(Array.from({ length: 1 + (n % 500) }, () => n));
process.send!("through", () => process.disconnect());
