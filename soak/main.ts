// `npm run soak`: a server and a client under mixed load for a long time; nothing may grow, hang or stay open.
import { parseArgs } from "node:util";
import { table, withFolder } from "../bench/report.ts";
import { run } from "./run.ts";
import { reportOf } from "./report.ts";

const usage = `npm run soak [-- --seconds N] [--json]

--seconds  how long the load lasts (default 600); below some 90 nothing is said of the heap
--json     the last line is the report as JSON
--leak     leaves a descriptor open on purpose: shows that it is noticed`;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "600" },
    json: { type: "boolean", default: false },
    leak: { type: "boolean", default: false },
  },
});
const seconds = Number(values.seconds);
if (!(seconds > 0)) {
  console.error(usage);
  process.exit(2);
}

const began = performance.now();
const terminal = process.stderr.isTTY;
try {
  const seen = await withFolder((folder) =>
    run({
      seconds,
      leak: values.leak,
      folder,
      progress(text) {
        const line = `${((performance.now() - began) / 1000).toFixed(0).padStart(4)} s  ${text}`;
        process.stderr.write(terminal ? `\r\u001b[K${line}` : `${line}\n`);
      },
    }),
  );
  if (terminal) process.stderr.write("\r\u001b[K");
  const { ok, json, lines } = reportOf(seen, seconds);
  console.log(table(["", "first", "last", "a minute"], lines));
  console.log(ok ? "nothing leaked, nothing hung" : json.failures.join("\n"));
  if (values.json) console.log(JSON.stringify(json));
  process.exitCode = ok ? 0 : 1;
} catch (error) {
  // A process died or hangs: the others end with this one.
  const failures = [error instanceof Error ? error.message : String(error)];
  console.error(error);
  if (values.json) console.log(JSON.stringify({ ok: false, seconds, failures }));
  process.exit(1);
}
