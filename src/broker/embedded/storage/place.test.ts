import { equal, match, rejects } from "node:assert/strict";
import { mkdtemp, realpath, rm, stat, writeFile } from "node:fs/promises";
import { platform, tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { isTrunklineError } from "../../../base/error.ts";
import { findPlace, makeFolder } from "./place.ts";

async function folderFor(context: TestContext): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "place-")));
  context.after(() => rm(folder, { recursive: true }));
  return folder;
}

/** That it is refused for `reason`, and for nothing else. */
function refusedFor(reason: RegExp): (error: unknown) => true {
  return (error) => {
    if (!isTrunklineError(error)) throw error;
    equal(error.code, "UNAVAILABLE");
    equal(error.executed, "no");
    match(error.reason, reason);
    return true;
  };
}

void test("a folder is made with those above it, for this user alone", async (context) => {
  const folder = join(await folderFor(context), "a", "b");
  equal(await makeFolder(folder, true), folder);
  equal(await makeFolder(folder, true), folder); // it is there already
  if (platform() !== "win32") equal((await stat(folder)).mode & 0o777, 0o700);
});

void test("a file in the place of the folder, or above it, is told as that", async (context) => {
  const file = join(await folderFor(context), "file");
  await writeFile(file, "");
  await rejects(makeFolder(file, true), refusedFor(/is a file, and no folder/));
  await rejects(
    makeFolder(join(file, "data"), true),
    refusedFor(/is a file or below one, and no folder/),
  );
});

void test("a folder that is only looked for is told to be missing, and is not made", async (context) => {
  const folder = join(await folderFor(context), "none");
  await rejects(findPlace(folder), refusedFor(/is not there/));
  await rejects(stat(folder), { code: "ENOENT" });
});

// Node's own `recursive` never comes back from there.
void test(
  "a folder where none can be made is refused, and not tried for ever",
  { skip: platform() !== "linux" && "there is no /proc", timeout: 60_000 },
  async () => {
    await rejects(makeFolder("/proc/none/data", true), refusedFor(/is not there/));
  },
);
