import { writeFileSync } from "node:fs";
import { testAuthority } from "trunkline/testing";
import { credentialFiles } from "../credentials.ts";

/**
 * Issues a certificate for each name, and writes them into the private folder of this run: they are worth nothing outside
 * of it and do not outlive it.
 */
export function issueCredentials(folder: string, names: readonly string[]): void {
  const authority = testAuthority("Air traffic of 2001");
  for (const name of names) {
    const issued = authority.issue({ name, hosts: ["127.0.0.1"] });
    const { cert, key, ca } = credentialFiles(folder, name);
    writeFileSync(ca, authority.cert);
    writeFileSync(cert, issued.cert);
    writeFileSync(key, issued.key, { mode: 0o600 });
  }
}
