import { basename } from "node:path";
import type { Line } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { contractNameIn, documentAt, tellNotes, usable } from "./foreign-document.ts";
import { withLibraries } from "./library.ts";
import { writeOut } from "./openapi.ts";

/** Writes a module of the contract in an AsyncAPI document, and tells what could not be taken over. */
export async function importAsyncApi(line: Line): Promise<number> {
  const file = line.word(1, "FILE");
  line.atMost(2);
  const name = contractNameIn(line.text("name"));
  const [{ planAsyncApi }, { messageModuleText }] = await withLibraries(
    () =>
      Promise.all([
        import("../messaging/asyncapi/import/plan.ts"),
        import("../messaging/asyncapi/import/module-text.ts"),
      ]),
    "ajv ajv-formats",
  );
  const text = documentAt(file);
  const plan = usable(file, () => planAsyncApi(text, name === undefined ? {} : { name }));
  const { operations, warnings } = plan;
  tellNotes(line, warnings);
  await writeOut(line, messageModuleText(plan, basename(file)), {
    operations: operations.length,
    warnings,
  });
  return exitCodes.ok;
}
