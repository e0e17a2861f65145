import { basename } from "node:path";
import type { Line } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { contractNameIn, documentAt, tellNotes, usable } from "./foreign-document.ts";
import { withLibraries } from "./library.ts";
import { writeOut } from "./openapi.ts";

/** Writes a module of the contract in an OpenAPI document, and tells what could not be taken over. */
export async function importOpenApi(line: Line): Promise<number> {
  const file = line.word(1, "FILE");
  line.atMost(2);
  const name = contractNameIn(line.text("name"));
  const [{ planImport }, { moduleText }] = await withLibraries(
    () =>
      Promise.all([
        import("../protocol/rest/openapi/import/plan.ts"),
        import("../protocol/rest/openapi/import/module-text.ts"),
      ]),
    "ajv ajv-formats",
  );
  const text = documentAt(file);
  const plan = usable(file, () => planImport(text, name === undefined ? {} : { name }));
  const { operations, warnings } = plan;
  tellNotes(line, warnings);
  await writeOut(line, moduleText(plan, basename(file)), {
    operations: operations.length,
    warnings,
  });
  return exitCodes.ok;
}
