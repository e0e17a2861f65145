import { isTrunklineError } from "../base/error.ts";
import { membersOf } from "../call/compile.ts";
import type { Format } from "../codec/format.ts";
import { json } from "../codec/json.ts";
import { raw } from "../codec/raw.ts";
import type { AnyContract } from "../contract/contract.ts";
import { isMessage } from "../contract/kinds.ts";
import type { Problem } from "./problems.ts";

/** What can be told of formats before anything is written in them: those that clash, and what they cannot carry. */
export function formatProblems(
  formats: readonly Format[],
  contracts: readonly AnyContract[],
): Problem[] {
  const texts: string[] = [];
  const taken = new Map<string | number, string>([
    [json.id, json.name],
    [raw.id, raw.name],
    [json.name, json.name],
    [raw.name, raw.name],
  ]);
  for (const format of formats) {
    const { name, id } = format;
    if (id === json.id && name === json.name) continue; // it is always there
    for (const mark of [name, id]) {
      const other = taken.get(mark);
      if (other !== undefined)
        texts.push(
          `the format ${name} has the ${mark === id ? "id" : "name"} ${mark}, as ${other} has.\n     → give one of them`,
        );
      taken.set(mark, name);
    }
    for (const contract of contracts) texts.push(...uncarried(format, contract));
  }
  return texts.map((text) => ({ text, code: "INVALID_ARGUMENT" }));
}

function uncarried(format: Format, contract: AnyContract): string[] {
  return membersOf(contract).flatMap(({ operation }) => {
    // Messages are JSON or bytes, whatever formats connections speak.
    if (isMessage(operation.kind)) return [];
    try {
      operation.codecs(format);
      return [];
    } catch (error) {
      const reason = isTrunklineError(error) ? error.reason : String(error);
      const advice = (isTrunklineError(error) ? error.advice : undefined) ?? "leave the format out";
      return [
        `${operation.name} cannot be written as ${format.name}: ${reason}.\n     → ${advice}`,
      ];
    }
  });
}
