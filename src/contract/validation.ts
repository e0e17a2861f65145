import type { Issue, Schema, Validation } from "./schema.ts";

/** Issues told one by one; more are counted. */
const issuesMax = 5;
/** Of one issue's text: a schema library may quote the whole value. */
const issueCharsMax = 160;

const nothing: Validation<undefined> = { value: undefined };

/**
 * Runs a schema over a value; at once where the schema is synchronous, so that the usual call waits for nothing.
 * Without a schema whatever was sent is dropped: the peer may be newer and send what this version does not know.
 *
 * Whatever a schema's own code throws passes through.
 */
export function validate(
  schema: Schema | undefined,
  value: unknown,
): Validation<unknown> | Promise<Validation<unknown>> {
  return schema === undefined ? nothing : schema["~standard"].validate(value);
}

/** Tells an answer that is there from one that must be waited for. */
export function isPending<Value>(
  result: Validation<Value> | Promise<Validation<Value>>,
): result is Promise<Validation<Value>> {
  return typeof (result as Partial<PromiseLike<unknown>>).then === "function";
}

/**
 * One sentence of bounded length that says what is wrong and where: `items.0.price: expected number; name: required`.
 */
export function explain(issues: readonly Issue[]): string {
  const told = issues.slice(0, issuesMax).map(explainOne);
  if (issues.length > issuesMax) told.push(`and ${issues.length - issuesMax} more`);
  return told.length === 0 ? "the value does not match the schema" : told.join("; ");
}

function explainOne(issue: Issue): string {
  const fields = (issue.path ?? []).map((part) =>
    String(typeof part === "object" ? part.key : part),
  );
  const message = issue.message
    .replaceAll(/\s+/g, " ")
    .replace(/^Invalid (?:input|type): (?=.)/, "");
  // ArkType's messages begin with the path already.
  const placed = fields.length === 0 || message.startsWith(fields[0]!);
  const text = placed ? message : `${fields.join(".")}: ${message}`;
  return text.length <= issueCharsMax ? text : `${text.slice(0, issueCharsMax - 1)}…`;
}
