import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";

import { reportIncident } from "../../base/diagnostics.ts";
import type { Env } from "../../base/env.ts";
import { systemError, type SystemError } from "../../base/error.ts";
import { uuidv7 } from "../../base/id.ts";
import type { TlsFiles, TlsMaterial } from "./options.ts";

/** How often at most, in milliseconds, the files are looked at: with each new connection would be too often. */
const lookAgainMs = 1_000;

/** Material that was checked, in the form in which Node takes it. */
export interface Prepared {
  readonly options: SecureContextOptions;
  readonly context: SecureContext;
  readonly hasCertificate: boolean;
}

const parts = ["cert", "key", "ca"] as const;
type Part = (typeof parts)[number];

/**
 * The certificates and keys in their present form. Files are read with the first connection, and again with the first one
 * after they have changed. That is done at once and not meanwhile: small files, at most once a second, and so the
 * connection that comes after a change is made with the new ones.
 */
export class Material {
  readonly #files: TlsFiles | undefined;
  readonly #passphrase: string | undefined;
  readonly #versionMin: "TLSv1.2" | "TLSv1.3";
  #texts: TlsMaterial;
  #prepared: Prepared | undefined;
  /** What the files looked like when they were read last, whether they could be used or not. */
  #seen = "";
  #lookedAt = -Infinity;

  constructor(
    texts: { readonly [P in Part]: string | undefined },
    files: TlsFiles | undefined,
    passphrase: string | undefined,
    versionMin: "TLSv1.2" | "TLSv1.3",
  ) {
    this.#texts = defined(texts);
    this.#files = files;
    this.#passphrase = passphrase;
    this.#versionMin = versionMin;
  }

  /** Throws when it cannot be used and there is none from before. The same object as long as nothing has changed. */
  current(env: Env): Prepared {
    if (this.#prepared === undefined) this.reload();
    else if (this.#files !== undefined && env.now() >= this.#lookedAt + lookAgainMs) {
      this.#lookAgain(this.#files, env);
    }
    if (this.#lookedAt === -Infinity) this.#lookedAt = env.now();
    return this.#prepared!;
  }

  /** Reads the files again, or takes other texts. Throws when they cannot be used, and stays as it was. */
  reload(texts?: TlsMaterial): void {
    if (this.#files === undefined) {
      const next = texts ?? this.#texts;
      this.#prepared = this.#prepare(next);
      this.#texts = next;
      return;
    }
    if (texts !== undefined) {
      throw systemError("INVALID_ARGUMENT", "reload() was given texts, and tls() files", {
        executed: "no",
        advice: "call it without: it reads the files",
      });
    }
    // Looked at before they are read: what changes in between is seen the next time.
    this.#seen = seen(this.#files);
    this.#prepared = this.#prepare(read(this.#files));
  }

  #lookAgain(files: TlsFiles, env: Env): void {
    this.#lookedAt = env.now();
    if (seen(files) === this.#seen) return;
    try {
      this.reload();
    } catch (error) {
      // Half of them may be written; what was there goes on, and the next change is looked at again.
      reportIncident({ id: uuidv7(env), operation: "reading the certificates of tls", error });
    }
  }

  #prepare(texts: TlsMaterial): Prepared {
    check(texts, this.#passphrase);
    const passphrase = this.#passphrase === undefined ? {} : { passphrase: this.#passphrase };
    const options = { ...texts, ...passphrase, minVersion: this.#versionMin };
    return {
      options,
      context: createSecureContext(options),
      hasCertificate: texts.cert !== undefined,
    };
  }
}

/** Refuses with INVALID_ARGUMENT and the name of the part what Node would refuse with words of OpenSSL, or not at all. */
function check({ cert, key, ca }: TlsMaterial, passphrase: string | undefined): void {
  if (ca !== undefined) certificates("ca", ca);
  if (cert === undefined || key === undefined) return;
  const [own] = certificates("cert", cert);
  if (!own!.checkPrivateKey(privateKey(key, passphrase))) {
    throw unusable("key is not the key of cert", "give the two that were made together");
  }
}

function certificates(part: Part, text: string): X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g);
  const advice = "it begins with -----BEGIN CERTIFICATE-----; paths belong into files";
  if (blocks === null) throw unusable(`${part} is no certificate in PEM`, advice);
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch (cause) {
    throw unusable(`${part} is a certificate that cannot be read`, advice, cause);
  }
}

function privateKey(text: string, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey(passphrase === undefined ? text : { key: text, passphrase });
  } catch (cause) {
    const reason = "key is no private key in PEM, or its passphrase is missing or wrong";
    throw unusable(reason, "it begins with -----BEGIN PRIVATE KEY-----", cause);
  }
}

function read(files: TlsFiles): TlsMaterial {
  const texts: Partial<Record<Part, string>> = {};
  for (const part of parts) {
    const path = files[part];
    if (path !== undefined) texts[part] = readPart(part, path);
  }
  return texts;
}

function readPart(part: Part, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const { code = "", message } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") {
      throw unusable(`the file of ${part} does not exist: ${path}`, "look at the path", cause);
    }
    if (code !== "EACCES") throw unusable(`the file of ${part}: ${message}`, "look at it", cause);
    throw systemError("PERMISSION_DENIED", `the file of ${part} may not be read: ${path}`, {
      executed: "no",
      cause,
      advice: "give this process the right to read it",
    });
  }
}

/** What would be different if a file had changed, or had come or gone. */
function seen(files: TlsFiles): string {
  return parts.map((part) => stampOf(files[part])).join();
}

function stampOf(path: string | undefined): string {
  if (path === undefined) return "";
  try {
    const { mtimeNs, ctimeNs, size, ino } = statSync(path, { bigint: true });
    return `${mtimeNs}/${ctimeNs}/${size}/${ino}`;
  } catch {
    return "gone";
  }
}

function defined(texts: { readonly [P in Part]: string | undefined }): TlsMaterial {
  const entries = Object.entries(texts).filter(([, text]) => text !== undefined);
  return Object.fromEntries(entries) as TlsMaterial;
}

function unusable(reason: string, advice: string, cause?: unknown): SystemError {
  return systemError("INVALID_ARGUMENT", `tls: ${reason}`, { executed: "no", advice, cause });
}
