import { isTrunklineError, type TrunklineError } from "../../base/error.ts";
import type { Operation } from "../../protocol/operation.ts";
import type { PartOptions } from "../options.ts";
import { operationPattern, matchOperation } from "../routing/operation-pattern.ts";
import type { PathPattern } from "../routing/path-pattern.ts";
import { filled, referencesOf, type Sources } from "./template.ts";

/** One of the calls that an answer is made of. */
interface Part {
  readonly name: string;
  readonly operation: Operation;
  readonly input: unknown;
  readonly optional: boolean;
  /** Parts whose answers it needs. */
  readonly needs: readonly string[];
}

/** Parts of one answer: each is a call for each request. */
const partsMax = 32;

/** The member of an answer that names what it lacks. */
const missingMember = "missing";

/** Makes one call: rejects with a TrunklineError. */
export type CallPart = (name: string, operation: Operation, input: unknown) => Promise<unknown>;

/** Several calls that are answered as one object. */
export class Composition {
  readonly #parts: readonly Part[];

  /** What is given has no problems. */
  constructor(options: Readonly<Record<string, PartOptions>>, operations: readonly Operation[]) {
    this.#parts = Object.entries(options).map(([name, { operation, input, optional = false }]) => {
      const { references } = referencesOf(input);
      const needs = references.filter(({ root }) => root === "parts").map(({ names }) => names[0]!);
      return {
        name,
        operation: operationNamed(operation, operations)!,
        input,
        optional,
        needs: [...new Set(needs)],
      };
    });
  }

  /**
   * Calls all parts, each as soon as what it needs is there. Rejects with the first failure of a part that is not optional; the
   * caller of this stops the others then. An optional part whose need is missing is missing too.
   */
  async answer(sources: Omit<Sources, "parts">, call: CallPart): Promise<Record<string, unknown>> {
    const running = new Map<string, Promise<unknown>>();
    const failures = new Map<string, TrunklineError>();
    const start = (part: Part): Promise<unknown> => {
      let answer = running.get(part.name);
      if (answer === undefined) running.set(part.name, (answer = run(part)));
      return answer;
    };
    const run = async (part: Part): Promise<unknown> => {
      try {
        const parts: Record<string, unknown> = {};
        for (const need of part.needs) {
          parts[need] = await start(this.#parts.find(({ name }) => name === need)!);
          const failure = failures.get(need);
          if (failure !== undefined) throw failure;
        }
        return await call(part.name, part.operation, filled(part.input, { ...sources, parts }));
      } catch (failure) {
        if (!part.optional || !isTrunklineError(failure)) throw failure;
        failures.set(part.name, failure);
        return null;
      }
    };
    const answers = await Promise.all(
      this.#parts.map(async (part) => [part.name, await start(part)] as const),
    );
    if (failures.size === 0) return Object.fromEntries(answers);
    const missing = [...failures].map(([name, failure]) => [name, told(failure)]);
    return { ...Object.fromEntries(answers), [missingMember]: Object.fromEntries(missing) };
  }
}

function told({ code, executed }: TrunklineError): { code: string; executed: string } {
  return { code, executed };
}

function operationNamed(text: string, operations: readonly Operation[]): Operation | undefined {
  const pattern = operationPattern(text);
  if ("problem" in pattern || pattern.member === undefined) return undefined;
  return operations
    .filter((each) => matchOperation(pattern, each))
    .toSorted((a, b) => b.owner.major - a.owner.major)[0];
}

/** What is wrong with a composition. */
export function compositionProblems(
  options: Readonly<Record<string, PartOptions>>,
  { segments }: PathPattern,
  operations: readonly Operation[],
): { readonly at: readonly (string | number)[]; readonly reason: string }[] {
  const problems: { at: readonly (string | number)[]; reason: string }[] = [];
  const parameters = segments.flatMap((each) => (typeof each === "string" ? [] : [each.name]));
  const needs = new Map<string, readonly string[]>();
  const count = Object.keys(options).length;
  if (count > partsMax)
    problems.push({ at: [], reason: `an answer has at most ${partsMax} parts, not ${count}` });
  for (const [name, { operation, input }] of Object.entries(options)) {
    if (name === missingMember)
      problems.push({
        at: [name],
        reason: `"${missingMember}" is where an answer says what it lacks`,
      });
    const found = operationNamed(operation, operations);
    if (found?.kind !== "call")
      problems.push({
        at: [name, "operation"],
        reason: `${JSON.stringify(operation)} is ${found === undefined ? "in no contract" : `a ${found.kind}, and only calls are composed`}`,
      });
    const { references, problems: wrong } = referencesOf(input);
    for (const reason of wrong) problems.push({ at: [name, "input"], reason });
    for (const { root, names } of references) {
      const [first = ""] = names;
      if (root === "path" && !parameters.includes(first))
        problems.push({ at: [name, "input"], reason: `the path has no {${first}}` });
      if (root === "parts" && !Object.hasOwn(options, first))
        problems.push({ at: [name, "input"], reason: `there is no part "${first}"` });
    }
    needs.set(
      name,
      references.filter(({ root }) => root === "parts").map(({ names }) => names[0]!),
    );
  }
  const circle = [...needs.keys()].find((name) => needsItself(name, needs));
  if (circle !== undefined)
    problems.push({ at: [circle], reason: `the part "${circle}" waits for itself` });
  return problems;
}

function needsItself(name: string, needs: ReadonlyMap<string, readonly string[]>): boolean {
  const seen = new Set<string>();
  const left = [...(needs.get(name) ?? [])];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (next === name) return true;
    if (seen.has(next)) continue;
    seen.add(next);
    left.push(...(needs.get(next) ?? []));
  }
  return false;
}
