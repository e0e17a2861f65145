import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { testAuthority } from "trunkline/testing";
import { tls } from "trunkline/transport/tls";

/**
 * Issues a certificate for each name, and writes them into the private folder of this run: they are worth nothing outside
 * of it and do not outlive it.
 */
export function issueCredentials(folder: string, names: readonly string[]): void {
  const authority = testAuthority("Air traffic of 2001");
  writeFileSync(join(folder, "authority.pem"), authority.cert);
  for (const name of names) {
    const { cert, key } = authority.issue({ name, hosts: ["127.0.0.1"] });
    const { files } = pathsOf(folder, name);
    writeFileSync(files.cert, cert);
    writeFileSync(files.key, key, { mode: 0o600 });
  }
}

/** TLS as who has this name: each side shows its certificate and asks for the other's. */
export function credentials(folder: string, name: string): ReturnType<typeof tls> {
  return tls({ ...pathsOf(folder, name), clientCertificate: "required" });
}

function pathsOf(folder: string, name: string) {
  const cert = join(folder, `${name}.cert.pem`);
  const key = join(folder, `${name}.key.pem`);
  return { files: { cert, key, ca: join(folder, "authority.pem") } };
}
