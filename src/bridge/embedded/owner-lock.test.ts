import { equal, ok } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { tryLock } from "./owner-lock.ts";

function folder(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "trunkline-lock-"));
  context.after(() => rmSync(path, { recursive: true }));
  return path;
}

/** What another process gets. */
function triedElsewhere(path: string): string {
  const script = `import { tryLock } from ${JSON.stringify(join(import.meta.dirname, "owner-lock.ts"))};
    console.log(tryLock(${JSON.stringify(path)}) === undefined ? "taken" : "free");`;
  const args = ["--input-type=module-typescript", "-e", script];
  return execFileSync(process.execPath, args, { encoding: "utf8" }).trim();
}

suite("the lock of a folder", () => {
  test("is one process's, until it lets go or is gone", (context: TestContext) => {
    const path = folder(context);
    const lock = tryLock(path);
    ok(lock !== undefined);
    equal(triedElsewhere(path), "taken");
    lock.release();
    equal(triedElsewhere(path), "free"); // and that process is gone, without a word
    const again = tryLock(path);
    ok(again !== undefined);
    again.release();
  });

  test("is not lost when the process that has it tries again", (context: TestContext) => {
    const path = folder(context);
    const lock = tryLock(path);
    equal(tryLock(path), undefined);
    equal(triedElsewhere(path), "taken");
    lock!.release();
  });

  test("is a file that nobody else may read", (context: TestContext) => {
    const path = folder(context);
    tryLock(path)!.release();
    equal(statSync(join(path, "owner.lock")).mode & 0o777, 0o600);
  });
});
