import { UsageError } from "./command.ts";

/** Loads a part of Trunkline that needs a library which not everybody has; says which one is missing. */
export async function withLibraries<Part>(
  load: () => Promise<Part>,
  libraries: string,
): Promise<Part> {
  try {
    return await load();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new UsageError(`this needs a library that is not installed: npm i ${libraries}`, {
      cause: error,
    });
  }
}
