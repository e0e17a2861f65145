import { systemError, type TrunklineError } from "../../base/error.ts";
import { timestamp } from "../../base/timestamp.ts";
import type { Envelope } from "../../broker/envelope.ts";

/** The longest expression. What is longer is a program, and belongs into the handler. */
export const expressionCharsMax = 2_000;
/** Parts of the parsed expression at most. */
const nodesMax = 250;
/** How deep it may be nested. */
const depthMax = 16;
/** Loops (`exists`, `all`, `map`, `filter`) inside each other: each multiplies the cost by the length of a list. */
const loopsNestedMax = 1;
/** An expression looks at no larger data than that: a loop in it costs what the data is long. */
export const dataBytesMax = 262_144;

const loops: ReadonlySet<string> = new Set(["all", "exists", "exists_one", "filter", "map"]);

/** Judges a message by its data, as it came. Throws where the expression does. */
export type Expression = (envelope: Envelope, data: unknown) => boolean;

/** What is used of the library. Said here, so that nothing of ours needs its types. */
interface Library {
  readonly Environment: new (options: {
    readonly limits: Readonly<Record<string, number>>;
  }) => LibraryEnvironment;
}

interface LibraryEnvironment {
  registerVariable(name: string, type: string): LibraryEnvironment;
  parse(text: string): Parsed;
}

interface Parsed {
  (variables: Readonly<Record<string, unknown>>): unknown;
  readonly ast: unknown;
  check(): { readonly valid: boolean; readonly type?: string; readonly error?: Error };
}

/**
 * Compiles an expression in CEL over `data` and `message`. It cannot loop for ever, calls nothing, and sees nothing else; how long,
 * how nested, and over how much data it may be is bounded, and regular expressions, whose cost is not, are refused.
 *
 * @throws TrunklineError INVALID_ARGUMENT for an expression that is none, or too costly; UNIMPLEMENTED when the library is missing.
 */
export async function expressionOf(text: string): Promise<Expression> {
  if (text.length > expressionCharsMax)
    throw refused(
      text,
      `it has ${text.length} characters; ${expressionCharsMax} are allowed`,
      "judge the rest in the handler",
    );
  const { Environment } = await library();
  const environment = new Environment({ limits: { maxAstNodes: nodesMax, maxDepth: depthMax } })
    .registerVariable("data", "dyn")
    .registerVariable("message", "map");
  let parsed: Parsed;
  try {
    parsed = environment.parse(text);
  } catch (cause) {
    throw refused(text, firstLine(cause), "write an expression in CEL: data.total > 100.0", cause);
  }
  checkCost(parsed.ast, text);
  const { valid, type, error } = parsed.check();
  if (!valid)
    throw refused(text, firstLine(error), "it may look at data and at message alone", error);
  if (type !== "bool" && type !== "dyn")
    throw refused(text, `it is no condition: its type is ${type}`, "compare it with something");
  return (envelope, data) => judged(parsed, text, envelope, data);
}

function judged(parsed: Parsed, text: string, envelope: Envelope, data: unknown): boolean {
  const bytes = envelope.data.byteLength;
  if (bytes > dataBytesMax)
    throw refused(
      text,
      `the data has ${bytes} bytes; expressions look at ${dataBytesMax} at most`,
      "filter by attributes",
    );
  const { id, type, source, subject = "", time, attributes } = envelope;
  const message = { id, type, source, subject, time: timestamp(time), attributes };
  let said: unknown;
  try {
    said = parsed({ data, message });
  } catch (cause) {
    throw refused(
      text,
      firstLine(cause),
      "ask has(data.field) for what may be missing, and write numbers to calculate with as 1.0",
      cause,
    );
  }
  if (typeof said === "boolean") return said;
  throw refused(text, "it says neither true nor false", "compare it with something");
}

async function library(): Promise<Library> {
  try {
    return await import("@marcbachmann/cel-js");
  } catch (cause) {
    throw systemError("UNIMPLEMENTED", "expressions need the library @marcbachmann/cel-js", {
      executed: "no",
      advice: "npm i @marcbachmann/cel-js",
      cause,
    });
  }
}

/** What the limits of the library leave open. The tree is as deep as `depthMax` at most. */
function checkCost(ast: unknown, text: string, loopsAround = 0): void {
  if (Array.isArray(ast)) {
    for (const each of ast) checkCost(each, text, loopsAround);
    return;
  }
  if (typeof ast !== "object" || ast === null || !("args" in ast)) return;
  const { op, args } = ast as { readonly op?: unknown; readonly args: unknown };
  const name = (op === "call" || op === "rcall") && Array.isArray(args) ? String(args[0]) : "";
  if (name === "matches")
    throw refused(
      text,
      "regular expressions can take for ever on data of somebody else",
      "use startsWith, endsWith or contains, or judge it in the handler",
    );
  const around = loopsAround + (loops.has(name) ? 1 : 0);
  if (around > loopsNestedMax)
    throw refused(text, `${name} stands inside of another loop`, "judge it in the handler");
  checkCost(args, text, around);
}

function firstLine(error: unknown): string {
  return error instanceof Error ? error.message.split("\n", 1)[0]! : String(error);
}

function refused(text: string, reason: string, advice: string, cause?: unknown): TrunklineError {
  const shown = text.length > 100 ? `${text.slice(0, 99)}…` : text;
  return systemError("INVALID_ARGUMENT", `the expression ${JSON.stringify(shown)}: ${reason}`, {
    executed: "no",
    advice,
    cause,
  });
}
