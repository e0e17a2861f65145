import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { platform, tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

/** Why there is no small disk here; false: there is. */
export const noSmallDisk: string | false =
  !(userInfo().uid === 0 && platform() === "linux") && "only root on Linux can mount a small disk";

/** A disk of one's own for one test, as large as `size` says: `32m`. */
export async function smallDisk(context: TestContext, size: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "small-disk-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder]);
  context.after(async () => {
    execFileSync("umount", [folder]);
    await rm(folder, { recursive: true });
  });
  return folder;
}
