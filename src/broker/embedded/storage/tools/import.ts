import { rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { existsSync } from "node:fs";
import { systemError } from "../../../../base/error.ts";
import { errorOf, failureOf } from "../failure.ts";
import { join } from "node:path";
import { makeFolder, storageFileName, syncFolder } from "../place.ts";
import { exportVersion, parseLine, rowOf, type Line } from "./line.ts";
import type { Progress } from "./looking.ts";
import { NewFile } from "./new-file.ts";

/** Messages between two tellings of how far it is. */
const tellEvery = 1_000;

/**
 * Makes a storage of the lines of an export, in a folder that has none yet. The file is there when all of it is. Gives back how many
 * messages there were.
 * @throws TrunklineError INVALID_ARGUMENT when there is one, or when a line cannot be read.
 */
export async function importFrom(
  folder: string,
  lines: AsyncIterable<string>,
  progress: Progress = () => {},
): Promise<number> {
  const path = join(await makeFolder(folder, false), storageFileName);
  if (existsSync(path)) throw thereAlready(path);
  const unfinished = `${path}.import`;
  await rm(unfinished, { force: true });
  const file = new NewFile(unfinished);
  try {
    let number = 0;
    for await (const text of lines) {
      if (text.trim() === "") continue;
      take(file, parseLine(text, ++number), number);
      if (file.messages % tellEvery === 1) progress(file.messages, Infinity, "messages");
    }
    file.close();
    await rename(unfinished, path);
    await syncFolder(dirname(path));
  } catch (error) {
    file.abandon();
    await rm(unfinished, { force: true });
    throw errorOf(failureOf(error, path), "no");
  }
  progress(file.messages, file.messages, "done");
  return file.messages;
}

function take(file: NewFile, line: Line, number: number): void {
  const isHead = "trunkline" in line;
  if (isHead !== (number === 1) || (isHead && line.version > exportVersion))
    throw systemError("INVALID_ARGUMENT", `Line ${number} is not one of an export known here.`, {
      executed: "no",
      advice:
        "Give it what `trunkline broker export` of this version or an earlier one has written.",
    });
  if ("definition" in line) file.define(line.definition);
  else if ("lane" in line) file.lane(line.lane);
  else if ("remembered" in line) file.remember(line.remembered.at, line.remembered.marks);
  else if ("message" in line) file.insert(rowOf(line.message));
}

function thereAlready(path: string): Error {
  return systemError("INVALID_ARGUMENT", `${path} is there already.`, {
    executed: "no",
    advice: "Name a folder without one.",
  });
}
