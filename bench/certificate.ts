import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { testAuthority } from "trunkline/testing";

/** A certificate for the loopback with its key, and the file by which clients trust it. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** Issues one; the file of the authority is made in `folder`. */
export function issueIn(folder: string): Certificate {
  const authority = testAuthority();
  const ca = join(folder, `${process.pid}.pem`);
  writeFileSync(ca, authority.cert);
  return { ...authority.issue({ name: "localhost", hosts: ["127.0.0.1"] }), ca };
}

/** What a client trusts. */
export function trusted(ca: string): string {
  return readFileSync(ca, "utf8");
}
