// `--test-reporter=./scripts/tally.ts`: what a run of node's test runner came to, a line of JSON for each failed test, each
// file and the whole, written as it becomes known: a run that is ended leaves what there was.
import { relative } from "node:path";
import type { TestEvent } from "node:test/reporters";
import { inspect } from "node:util";

export type Entry =
  | {
      readonly what: "failed";
      readonly where: string;
      readonly name: string;
      readonly told: string;
    }
  | { readonly what: "file"; readonly file: string; readonly seconds: number }
  | { readonly what: "sums"; readonly sums: Readonly<Record<string, number>> };

/** Lines that a file wrote to stderr last, for those of its failures that say nothing themselves. */
const stderrLinesMax = 12;

// oxlint-disable-next-line import/no-default-export -- node takes a reporter so
export default async function* tally(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const stderr = new Map<string, string[]>();
  for await (const event of events) {
    if (event.type === "test:stderr") {
      const lines = stderr.get(event.data.file) ?? [];
      stderr.set(event.data.file, [...lines, event.data.message.trimEnd()].slice(-stderrLinesMax));
    }
    const entry = entryOf(event, stderr);
    if (entry !== undefined) yield `${JSON.stringify(entry)}\n`;
  }
}

function entryOf(event: TestEvent, stderr: ReadonlyMap<string, string[]>): Entry | undefined {
  if (event.type === "test:fail") {
    const { name, file, line, details, todo } = event.data;
    const { failureType, cause } = details.error as Error & { failureType?: string };
    // Those of its subtests are told by themselves.
    if (failureType === "subtestsFailed" || todo !== undefined) return undefined;
    const path = relative(".", file ?? "");
    const told = name === path ? [String(cause), ...(stderr.get(path) ?? [])] : [textOf(cause)];
    return { what: "failed", where: `${path}:${line}`, name, told: told.join("\n") };
  }
  if (event.type !== "test:summary") return undefined;
  const { file, counts, duration_ms } = event.data;
  if (file !== undefined)
    return { what: "file", file: relative(".", file), seconds: duration_ms / 1000 };
  const { tests, suites, passed: pass, cancelled, skipped, todo } = counts;
  const fail = tests - pass - cancelled - skipped - todo;
  const sums = { tests, suites, pass, fail, cancelled, skipped, todo, duration_ms };
  return { what: "sums", sums };
}

/** An error as people read it, without what node itself was about. */
function textOf(cause: unknown): string {
  const text = typeof cause === "string" ? cause : inspect(cause);
  return text.replaceAll(/^ *at .*\(?node:internal\/.*\n?/gm, "").trim();
}
