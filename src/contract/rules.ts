import { isSystemCode } from "../base/outcome.ts";
import { codecOf } from "./bytes.ts";
import { aKind, isMessage, isStreaming, kinds } from "./kinds.ts";
import type { Operation } from "./operation.ts";
import { isSchema } from "./schema.ts";

/** Longest name of a contract, an operation or an error code: each travels and is printed often. */
const nameCharsMax = 100;
/** An operation's index on the wire has 16 bits. */
const operationsMax = 65_535;

const refusedNames: ReadonlySet<string> = new Set(["then", "constructor", "toJSON"]);
const semver = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$/;

/** Everything that is wrong with a contract, one sentence each. */
export function contractProblems(name: unknown, version: unknown, operations: unknown): string[] {
  const problems: string[] = [];
  if (!named(name, /^[a-z][a-z0-9-]*$/)) {
    problems.push(
      `the name ${quoted(name)} must begin with a-z, go on with a-z, 0-9 or "-", and have at most ${nameCharsMax} characters`,
    );
  }
  if (typeof version !== "string" || !semver.test(version)) {
    problems.push(`the version ${quoted(version)} is not a semantic version: write "1.0.0"`);
  }
  if (typeof operations !== "object" || operations === null)
    return [...problems, "the operations must be an object"];
  const entries = Object.entries(operations);
  if (entries.length > operationsMax)
    problems.push(`${entries.length} operations are too many: at most ${operationsMax}`);
  for (const [operationName, operation] of entries) {
    for (const problem of [...nameProblems(operationName), ...operationProblems(operation)]) {
      problems.push(`${operationName}: ${problem}`);
    }
  }
  return problems;
}

function nameProblems(name: string): string[] {
  if (refusedNames.has(name))
    return ["an operation cannot have this name, because JavaScript gives it a meaning"];
  if (named(name, /^[a-z][A-Za-z0-9]*$/)) return [];
  return [
    `an operation's name must begin with a-z, go on with letters and digits, and have at most ${nameCharsMax} characters`,
  ];
}

function operationProblems(operation: unknown): string[] {
  if (!isOperation(operation))
    return [`is not an operation: make it with ${Object.keys(kinds).join("(), ")}()`];
  const { kind, idempotent, key, deadlineMs, idleMs, errors } = operation;
  const { sends, answers } = kinds[kind];
  const problems: string[] = [];
  if (answers === "none" && (operation.out !== undefined || Object.keys(errors).length > 0)) {
    problems.push(`${aKind(kind)} has no answer: leave out and errors away`);
  }
  if (!isStreaming(kind) && idleMs !== undefined)
    problems.push(`idle is for operations with items, not for ${aKind(kind)}`);
  if (sends !== "many" && operation.head !== undefined)
    problems.push(`head is for operations that send items: ${aKind(kind)} sends its in at once`);
  if (kind === "duplex" && idempotent !== false)
    problems.push("a duplex cannot be idempotent: nobody can repeat a conversation");
  for (const side of ["head", "in", "out"] as const) {
    if (operation[side] !== undefined && !isSchema(operation[side]))
      problems.push(`${side} is not a Standard Schema`);
  }
  if (idempotent !== true && idempotent !== false && idempotent !== "by-key") {
    problems.push(`idempotent must be true, false or "by-key", not ${quoted(idempotent)}`);
  }
  if (key !== undefined && (typeof key !== "string" || !/^[^.]+(\.[^.]+)*$/.test(key))) {
    problems.push(
      `key ${quoted(key)} is not a path: write the names of fields with dots between them`,
    );
  }
  problems.push(...deliveryProblems(operation));
  if (Number.isNaN(deadlineMs))
    problems.push('deadline is not a duration: write milliseconds or "200ms", "5s", "2m", "1h"');
  if (Number.isNaN(idleMs))
    problems.push('idle is not a duration: write milliseconds or "200ms", "5s", "2m", "1h"');
  for (const [code, schema] of Object.entries(errors))
    problems.push(...errorProblems(code, schema));
  return problems;
}

const guarantees: ReadonlySet<unknown> = new Set(["at-most-once", "at-least-once", "exactly-once"]);

function deliveryProblems({ kind, delivery, codec }: Operation): string[] {
  if (!isMessage(kind))
    return delivery === undefined ? [] : [`delivery is for messages, not for ${aKind(kind)}`];
  const problems: string[] = [];
  if (!guarantees.has(delivery))
    problems.push(
      `delivery must be "at-most-once", "at-least-once" or "exactly-once", not ${quoted(delivery)}`,
    );
  if (codec.out === "raw") problems.push("out cannot be bytes(): replies are JSON");
  return problems;
}

function errorProblems(code: string, schema: unknown): string[] {
  const problems: string[] = [];
  if (isSystemCode(code))
    problems.push(`error ${code} is raised by Trunkline itself: declare a code of your own`);
  if (!named(code, /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/))
    problems.push(`error ${quoted(code)} must be written in UPPER_SNAKE`);
  if (schema !== undefined && !isSchema(schema))
    problems.push(`error ${code} is not a Standard Schema`);
  if (codecOf(schema) === "raw")
    problems.push(`error ${code} cannot carry bytes(): the data of an error is JSON`);
  return problems;
}

function isOperation(value: unknown): value is Operation {
  return (
    typeof value === "object" &&
    value !== null &&
    "kind" in value &&
    typeof value.kind === "string" &&
    Object.hasOwn(kinds, value.kind)
  );
}

function named(name: unknown, pattern: RegExp): boolean {
  return typeof name === "string" && name.length <= nameCharsMax && pattern.test(name);
}

function quoted(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, nameCharsMax + 2);
}
