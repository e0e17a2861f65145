export type { TlsFiles, TlsMaterial, TlsOptions } from "./options.ts";
export { tls, type TlsTransport } from "./tls.ts";
