import { mkdirSync, statSync } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/** For the user alone. */
const modeDefault = 0o700;

/**
 * Makes a folder with those above it that are missing. The first one that it made; undefined: all are there. Not by `recursive` of
 * Node's `mkdir`: where the system says ENOENT for a folder in one that is there, as `/proc` does, that tries it for ever.
 *
 * `mode`: of what is made, before the umask. Default 0700.
 *
 * @throws what the system says of the one that cannot be made; EEXIST or ENOTDIR where something else has the name of a folder.
 */
export async function makeFolders(
  path: string,
  mode: number = modeDefault,
): Promise<string | undefined> {
  try {
    await mkdir(path, { mode });
    return path;
  } catch (error) {
    if (await isFolder(path)) return undefined;
    if (!hasMissing(path, error)) throw error;
  }
  const first = await makeFolders(dirname(path), mode);
  try {
    await mkdir(path, { mode });
  } catch (error) {
    if (!(await isFolder(path))) throw error;
  }
  return first ?? path;
}

/** The same for who cannot wait. */
export function makeFoldersSync(path: string, mode: number = modeDefault): string | undefined {
  try {
    mkdirSync(path, { mode });
    return path;
  } catch (error) {
    if (isFolderSync(path)) return undefined;
    if (!hasMissing(path, error)) throw error;
  }
  const first = makeFoldersSync(dirname(path), mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if (!isFolderSync(path)) throw error;
  }
  return first ?? path;
}

/** Whether one above it may be made first. */
function hasMissing(path: string, error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT" && dirname(path) !== path;
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function isFolderSync(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
