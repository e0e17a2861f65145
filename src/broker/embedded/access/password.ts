import { createHash, scrypt, scryptSync, timingSafeEqual } from "node:crypto";
import { Refusal } from "../refusal.ts";

/**
 * What a verification of a password costs: 2^logN blocks of 128·r bytes, p times. Default 14, 8, 5: 16 MiB and about a fifth of a
 * second, one of the settings that OWASP's "Password Storage Cheat Sheet" calls equally strong.
 */
export interface PasswordCost {
  readonly logN: number;
  readonly r: number;
  readonly p: number;
}

export const defaultCost: PasswordCost = { logN: 14, r: 8, p: 5 };

/** What is imported may ask for no more: 64 MiB, and a second or two. */
const costMax = { memory: 64 * 1024 * 1024, work: 8 * 1024 * 1024 };
const hashBytes = 32;
const saltBytesMax = 64;

/** What is kept of a password, taken apart. */
type Kept =
  | {
      readonly kind: "scrypt";
      readonly cost: PasswordCost;
      readonly salt: Buffer;
      readonly hash: Buffer;
    }
  | {
      readonly kind: "rabbitmq";
      readonly digest: string;
      readonly salt: Buffer;
      readonly hash: Buffer;
    };

/** RabbitMQ's hashes are 4 bytes of salt, and the digest of salt and password. */
const rabbitmqDigests: Readonly<
  Record<string, { readonly digest: string; readonly bytes: number }>
> = {
  rabbit_password_hashing_sha256: { digest: "sha256", bytes: 32 },
  rabbit_password_hashing_sha512: { digest: "sha512", bytes: 64 },
  rabbit_password_hashing_md5: { digest: "md5", bytes: 16 },
};
const rabbitmqPrefix = "$rabbitmq$";
const algorithmDefault = "rabbit_password_hashing_sha256";

/**
 * The text that is kept of a password: `$scrypt$ln=14,r=8,p=5$salt$hash`, as the PHC string format says (salt and hash in base 64
 * without padding).
 */
export async function hashedPassword(
  password: string,
  salt: Uint8Array,
  cost: PasswordCost = defaultCost,
): Promise<string> {
  return textOf(cost, salt, await derived(password, salt, cost, hashBytes));
}

/** The same at once, for the first user of a broker that is just being made: nobody else waits then. */
export function hashedPasswordNow(
  password: string,
  salt: Uint8Array,
  cost: PasswordCost = defaultCost,
): string {
  return textOf(cost, salt, scryptSync(password, salt, hashBytes, terms(cost)));
}

/** A hash of a definitions file, as it is kept. @throws Refusal when it is none that we know. */
export function importedHash(hash: string, algorithm: string = algorithmDefault): string {
  if (hash === "") return "";
  const text = hash.startsWith("$") ? hash : `${rabbitmqPrefix}${algorithm}$${hash}`;
  if (keptOf(text) === undefined)
    throw new Refusal(
      "precondition-failed",
      `a password hash made by '${algorithm}' cannot be read: give the password instead`,
    );
  return text;
}

/** What a definitions file says of a kept hash: RabbitMQ can do nothing with ours, which stands beside its own (`own`). */
export function exportedHash(kept: string): {
  readonly hash: string;
  readonly algorithm: string;
  readonly own: string | undefined;
} {
  const [, , algorithm = "", hash = ""] = kept.split("$");
  if (kept.startsWith(rabbitmqPrefix)) return { hash, algorithm, own: undefined };
  return { hash: "", algorithm: algorithmDefault, own: kept === "" ? undefined : kept };
}

/** Whether it is kept as we keep new ones. What came from RabbitMQ is not, nor what was made at another cost. */
export function upToDate(kept: string, cost: PasswordCost): boolean {
  const known = keptOf(kept);
  if (known?.kind !== "scrypt") return false;
  const { logN, r, p } = known.cost;
  return logN === cost.logN && r === cost.r && p === cost.p;
}

/** Whether it is that password, compared in constant time. What cannot be read is no password's. */
export async function isPassword(password: string, kept: string): Promise<boolean> {
  const known = keptOf(kept);
  if (known === undefined) return false;
  const hash =
    known.kind === "scrypt"
      ? await derived(password, known.salt, known.cost, known.hash.byteLength)
      : createHash(known.digest).update(known.salt).update(password).digest();
  return timingSafeEqual(hash, known.hash);
}

/** RabbitMQ's way, which costs nothing: only for a password that everybody knows. */
export function rabbitmqHash(password: string, salt: Uint8Array): string {
  const hash = createHash("sha256").update(salt).update(password).digest();
  return `${rabbitmqPrefix}rabbit_password_hashing_sha256$${Buffer.concat([salt, hash]).toString("base64")}`;
}

function textOf({ logN, r, p }: PasswordCost, salt: Uint8Array, hash: Uint8Array): string {
  return `$scrypt$ln=${logN},r=${r},p=${p}$${unpadded(salt)}$${unpadded(hash)}`;
}

function unpadded(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").replace(/=+$/, "");
}

function keptOf(text: string): Kept | undefined {
  if (text.startsWith(rabbitmqPrefix)) return rabbitmqKept(text);
  const parts = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})\$([\w+/]+)\$([\w+/]+)$/.exec(text);
  if (parts === null) return undefined;
  const cost = { logN: Number(parts[1]), r: Number(parts[2]), p: Number(parts[3]) };
  const salt = Buffer.from(parts[4]!, "base64");
  const hash = Buffer.from(parts[5]!, "base64");
  if (!bearable(cost) || salt.byteLength > saltBytesMax) return undefined;
  if (hash.byteLength < 16 || hash.byteLength > 64) return undefined;
  return { kind: "scrypt", cost, salt, hash };
}

function rabbitmqKept(text: string): Kept | undefined {
  const [, , algorithm = "", encoded = ""] = text.split("$");
  const known = rabbitmqDigests[algorithm];
  const bytes = Buffer.from(encoded, "base64");
  if (known?.bytes !== bytes.byteLength - 4) return undefined;
  const { digest } = known;
  return { kind: "rabbitmq", digest, salt: bytes.subarray(0, 4), hash: bytes.subarray(4) };
}

function bearable({ logN, r, p }: PasswordCost): boolean {
  if (logN < 1 || r < 1 || p < 1) return false;
  const blocks = 2 ** logN * r;
  return 128 * blocks <= costMax.memory && blocks * p <= costMax.work;
}

function derived(
  password: string,
  salt: Uint8Array,
  cost: PasswordCost,
  bytes: number,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, bytes, terms(cost), (error, hash) => {
      if (error === null) resolve(hash);
      else reject(error);
    });
  });
}

function terms({ logN, r, p }: PasswordCost): {
  readonly cost: number;
  readonly blockSize: number;
  readonly parallelization: number;
  readonly maxmem: number;
} {
  return { cost: 2 ** logN, blockSize: r, parallelization: p, maxmem: 2 * costMax.memory };
}
