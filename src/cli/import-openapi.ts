import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { isTrunklineError } from "../base/error.ts";
import { UsageError, type Line } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { withLibraries } from "./library.ts";
import { writeOut } from "./openapi.ts";
import { styled } from "./terminal.ts";

/** Writes a module of the contract in an OpenAPI document, and tells what could not be taken over. */
export async function importOpenApi(line: Line): Promise<number> {
  const file = line.word(1, "FILE");
  line.atMost(2);
  const name = nameIn(line.text("name"));
  const [{ planImport }, { moduleText }] = await withLibraries(
    () =>
      Promise.all([
        import("../protocol/rest/openapi/import/plan.ts"),
        import("../protocol/rest/openapi/import/module-text.ts"),
      ]),
    "ajv ajv-formats",
  );
  const text = textAt(file);
  const plan = usable(file, () => planImport(text, name === undefined ? {} : { name }));
  const { operations, warnings } = plan;
  if (!line.json) for (const warning of warnings) note(line, warning);
  await writeOut(line, moduleText(plan, basename(file)), {
    operations: operations.length,
    warnings,
  });
  return exitCodes.ok;
}

function note({ terminal }: Line, warning: string): void {
  terminal.tell(`${styled(terminal, "yellow", "note")} ${warning}\n`);
}

/** A file that cannot be used is a mistake of the command line. */
function usable<Made>(file: string, make: () => Made): Made {
  try {
    return make();
  } catch (error) {
    if (!isTrunklineError(error)) throw error;
    const { reason, advice } = error;
    throw new UsageError([`${file}: ${reason}`, advice ?? []].flat().join("; "), { cause: error });
  }
}

function textAt(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

function nameIn(name: string | undefined): string | undefined {
  if (name === undefined || /^[a-z][a-z0-9-]{0,99}$/.test(name)) return name;
  throw new UsageError(
    `--name takes a contract's name, as in petstore or pet-store, not "${name}"`,
  );
}
