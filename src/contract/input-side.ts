import { operationsOf, type AnyContract } from "./contract.ts";
import { wireSchema, type Gap } from "./json-schema.ts";
import type { Schema } from "./schema.ts";

/** A payload that would not survive the wire. */
export interface InputSideProblem {
  readonly operation: string;
  readonly where: "head" | "in" | "out" | `error ${string}`;
  /** `placedAt is a Date, which JSON cannot carry` */
  readonly problem: string;
  /** What to write instead. */
  readonly advice: string;
}

/**
 * The payloads whose input side, which is what travels, JSON cannot carry. Found through JSON Schema, so libraries that
 * give none (Valibot) are not judged here: their values are refused when first sent.
 */
export function inputSideProblems(contract: AnyContract): InputSideProblem[] {
  return operationsOf(contract).flatMap(([operation, { head, in: input, out, errors }]) => {
    const payloads: (readonly [InputSideProblem["where"], Schema | undefined])[] = [
      ["head", head],
      ["in", input],
      ["out", out],
      ...Object.entries(errors).map(([code, schema]) => [`error ${code}`, schema] as const),
    ];
    return payloads.flatMap(([where, schema]) => {
      if (schema === undefined) return [];
      const { vendor } = schema["~standard"];
      return wireSchema(schema).gaps.map((gap) => ({
        operation,
        where,
        problem: told(gap),
        advice: advise(gap, vendor),
      }));
    });
  });
}

function told({ path, type }: Gap): string {
  return `${path === "" ? "it" : path} ${path === "" ? "is or holds" : "is"} a ${type}, which JSON cannot carry`;
}

/** By type, then by library; the entry without a library is for all others. */
const advices: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Date: {
    zod: "send text: z.iso.datetime(), or z.codec(z.iso.datetime(), z.date(), …) where the handler wants a Date",
    arktype:
      'send text: "string.date.iso", or "string.date.iso.parse" where the handler wants a Date',
    "": "send ISO text, and let the schema turn it into a Date",
  },
  BigInt: {
    zod: "send text: z.codec(z.string(), z.bigint(), …)",
    "": "send text, and let the schema turn it into a bigint",
  },
  Map: {
    zod: "send an object or pairs: z.record(…), z.array(z.tuple([…]))",
    "": "send an object or pairs",
  },
  Set: { zod: "send an array: z.array(…)", "": "send an array" },
  NaN: { "": "send null: z.null()" },
};

function advise({ type }: Gap, vendor: string): string {
  const known = advices[type];
  return (
    known?.[vendor] ??
    known?.[""] ??
    "leave it out, or send plain data and let the schema make it from that"
  );
}
