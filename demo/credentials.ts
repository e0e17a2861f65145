import { join } from "node:path";
import { tls, type TlsFiles } from "trunkline/transport/tls";

/** TLS as who has this name: each side shows its certificate and asks for the other's. */
export function credentials(folder: string, name: string): ReturnType<typeof tls> {
  return tls({ files: credentialFiles(folder, name), clientCertificate: "required" });
}

/** Where they are, in the private folder of this run. */
export function credentialFiles(folder: string, name: string): Required<TlsFiles> {
  return {
    cert: join(folder, `${name}.cert.pem`),
    key: join(folder, `${name}.key.pem`),
    ca: join(folder, "authority.pem"),
  };
}
