import { equal, rejects, throws } from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { platform, tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { makeFolders, makeFoldersSync } from "./folders.ts";

function place(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-folders-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

const both = {
  makeFolders,
  makeFoldersSync: async (path: string, mode?: number) => makeFoldersSync(path, mode),
};

for (const [name, make] of Object.entries(both)) {
  test(`${name} makes what is missing, for its user alone, and tells the first that it made`, async (t) => {
    const top = place(t);
    const path = join(top, "a", "b", "c");
    equal(await make(path), join(top, "a"));
    for (const made of [path, join(top, "a")]) equal(statSync(made).mode & 0o777, 0o700);
    equal(await make(path), undefined);
    equal(await make(join(path, "d"), 0o750), join(path, "d"));
    equal(statSync(join(path, "d")).mode & 0o777, 0o750);
  });

  test(`${name} takes a link to a folder for one, and refuses one that leads nowhere and a file`, async (t) => {
    const top = place(t);
    symlinkSync(top, join(top, "link"));
    equal(await make(join(top, "link")), undefined);
    symlinkSync(join(top, "nowhere"), join(top, "dangling"));
    await rejects(make(join(top, "dangling", "x")), { code: "EEXIST" });
    writeFileSync(join(top, "file"), "");
    await rejects(make(join(top, "file")), { code: "EEXIST" });
    await rejects(make(join(top, "file", "x")), { code: "ENOTDIR" });
    equal(existsSync(join(top, "nowhere")), false);
  });
}

const noProc = platform() === "linux" ? false : "needs /proc";

test(
  "a folder that the system says is missing however often it is made is an error",
  { skip: noProc },
  async () => {
    await rejects(makeFolders("/proc/trunkline/x"), { code: "ENOENT" });
    throws(() => makeFoldersSync("/proc/trunkline/x"), { code: "ENOENT" });
  },
);
