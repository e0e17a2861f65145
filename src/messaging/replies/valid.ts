import { systemError } from "../../base/error.ts";
import { unchecked } from "../../call/calling.ts";
import type { Member } from "../../call/compile.ts";
import type { Validation } from "../../contract/schema.ts";
import { explain, validate } from "../../contract/validation.ts";

/** The output as its schema reads it. Rejects with INTERNAL when it is not what the contract says. */
export async function valid({ declared }: Member, output: unknown): Promise<unknown> {
  let checked: Validation<unknown>;
  try {
    checked = await validate(declared.out, output);
  } catch (cause) {
    throw unchecked("reply", "yes", cause);
  }
  if (checked.issues === undefined) return checked.value;
  const reason = `the reply does not match the contract: ${explain(checked.issues)}`;
  throw systemError("INTERNAL", reason, { executed: "yes" });
}
