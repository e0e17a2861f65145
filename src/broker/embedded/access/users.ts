import type { Env } from "../../../base/env.ts";
import { Refusal } from "../refusal.ts";
import type { Definition, Json, Storage } from "../storage.ts";
import { Logins } from "./logins.ts";
import {
  hashedPassword,
  hashedPasswordNow,
  importedHash,
  rabbitmqHash,
  upToDate,
  type PasswordCost,
} from "./password.ts";

/** What RabbitMQ's management lets a user do who has them; other tags mean nothing, and are kept. */
export type Tag = "administrator" | "monitoring" | "policymaker" | "management" | (string & {});

export interface User {
  readonly name: string;
  readonly tags: readonly Tag[];
  /** Of the password, as it is kept: never shown but in definitions. Empty: nobody comes in by a password. */
  readonly passwordHash: string;
}

/** By what a user is to be known: one of the two. Neither: a new user is known by a certificate only, another stays as it is. */
export interface Credentials {
  readonly password?: string;
  /** Of a definitions file, with its algorithm as RabbitMQ names it, or as we export it. */
  readonly passwordHash?: string;
  readonly hashingAlgorithm?: string;
}

/** Where somebody comes from. */
export interface Peer {
  /** From this machine: over its loopback interface or a Unix socket. */
  readonly loopback: boolean;
}

export interface UsersTerms {
  readonly env: Pick<Env, "now">;
  readonly storage: Pick<Storage, "define" | "undefine">;
  readonly loopbackOnly: readonly string[];
  readonly cost: PasswordCost;
  readonly secret: (bytes: number) => Uint8Array;
}

const saltBytes = 16;
const nameBytesMax = 255;
const passwordBytesMax = 4_096;
const usersMax = 100_000;

/** Who is known here, by which password. */
export class Users {
  readonly #terms: UsersTerms;
  readonly #logins: Logins;
  readonly #loopbackOnly: ReadonlySet<string>;
  readonly #users = new Map<string, User>();
  readonly #renewing = new Map<string, Promise<void>>();
  #nobodysHash: Promise<string> | undefined;

  constructor(terms: UsersTerms) {
    this.#terms = terms;
    this.#loopbackOnly = new Set(terms.loopbackOnly);
    this.#logins = new Logins(terms.env, terms.secret(32));
  }

  /** Takes up what is kept. */
  restore({ name, value }: Definition): void {
    const { tags, passwordHash } = value as unknown as User;
    this.#users.set(name, { name, tags, passwordHash });
  }

  [Symbol.iterator](): Iterator<User> {
    return this.#users.values();
  }

  get(name: string): User | undefined {
    return this.#users.get(name);
  }

  /**
   * Who it is, when it is the right password. One that is kept in RabbitMQ's way is kept in ours from then on.
   *
   * @throws Refusal (access-refused) otherwise. Its message is for the log: who asks is told nothing of the reason.
   */
  async authenticate(name: string, password: string, peer: Peer): Promise<User> {
    const asked = this.#users.get(name);
    const kept = asked === undefined || asked.passwordHash === "" ? undefined : asked.passwordHash;
    // The password of somebody whom nobody knows takes as long.
    const right = await this.#logins.right(name, password, kept ?? (await this.#nobodys()));
    const user = this.#users.get(name);
    // Meanwhile it may have been kept anew, or be another one.
    if (user !== undefined && kept !== undefined && user.passwordHash !== kept)
      return this.authenticate(name, password, peer);
    if (!right || user === undefined || kept === undefined)
      throw new Refusal("access-refused", `user '${name}': the name or the password is wrong`);
    this.#reachable(name, peer);
    if (!upToDate(kept, this.#terms.cost) && !this.#loopbackOnly.has(name))
      await this.#keptAnew(user, password);
    return user;
  }

  /** Who it is, when somebody else has vouched for the name: the certificate of EXTERNAL. @throws Refusal as above. */
  known(name: string, peer: Peer): User {
    const user = this.#users.get(name);
    if (user === undefined)
      throw new Refusal("access-refused", `there is no user '${name}', as the certificate says`);
    this.#reachable(name, peer);
    return user;
  }

  /**
   * Makes a user, or gives it other tags, and another password where one is given.
   *
   * @throws Refusal (precondition-failed) when the name, the password or the hash cannot be one.
   */
  async set(name: string, credentials: Credentials, tags: readonly Tag[]): Promise<void> {
    this.#check(name);
    const { password, passwordHash, hashingAlgorithm } = credentials;
    if (passwordHash !== undefined) this.setHash(name, passwordHash, hashingAlgorithm, tags);
    else if (password !== undefined)
      this.setHash(name, await this.hashed(password), undefined, tags);
    else this.#keep({ name, tags, passwordHash: this.#users.get(name)?.passwordHash ?? "" });
  }

  /** The same at once, by a hash: of a definitions file, or of `hashed`. @throws Refusal as `set`. */
  setHash(
    name: string,
    passwordHash: string,
    hashingAlgorithm: string | undefined,
    tags: readonly Tag[],
  ): void {
    this.#check(name);
    this.#keep({ name, tags, passwordHash: importedHash(passwordHash, hashingAlgorithm) });
  }

  /** What is kept of a password. @throws Refusal (precondition-failed) when it is none. */
  async hashed(password: string): Promise<string> {
    const bytes = Buffer.byteLength(password);
    if (bytes === 0 || bytes > passwordBytesMax)
      throw new Refusal("precondition-failed", `a password has 1 to ${passwordBytesMax} bytes`);
    return hashedPassword(password, this.#terms.secret(saltBytes), this.#terms.cost);
  }

  /** Makes the first user of all at once: while it is made nobody else waits. Undefined: guest, whose password everybody knows. */
  begin(first: { readonly name: string; readonly password: string } | undefined): string {
    const { cost, secret } = this.#terms;
    const { name, password } = first ?? { name: "guest", password: "guest" };
    this.#check(name);
    const passwordHash =
      first === undefined
        ? rabbitmqHash(password, secret(4))
        : hashedPasswordNow(password, secret(saltBytes), cost);
    this.#keep({ name, tags: ["administrator"], passwordHash });
    return name;
  }

  /** @throws Refusal (not-found) */
  remove(name: string): void {
    if (!this.#users.delete(name)) throw new Refusal("not-found", `no user '${name}'`);
    this.#terms.storage.undefine("user", name);
  }

  #reachable(name: string, { loopback }: Peer): void {
    if (!loopback && this.#loopbackOnly.has(name))
      throw new Refusal("access-refused", `user '${name}' can only connect from this machine`);
  }

  /** Once for all who log in at the same time. When too many do, another login does it. */
  #keptAnew(user: User, password: string): Promise<void> {
    const { name } = user;
    const keeping =
      this.#renewing.get(name) ??
      this.#logins
        .inTurn(() => this.hashed(password))
        .then((passwordHash) => {
          if (this.#users.get(name) === user) this.#keep({ ...user, passwordHash });
        })
        .catch(() => undefined)
        .finally(() => this.#renewing.delete(name));
    this.#renewing.set(name, keeping);
    return keeping;
  }

  #keep(user: User): void {
    const { name, tags, passwordHash } = user;
    this.#users.set(name, { name, tags: [...tags], passwordHash });
    const value: Json = { tags: [...tags], passwordHash };
    this.#terms.storage.define({ kind: "user", name, value });
  }

  #nobodys(): Promise<string> {
    const { cost, secret } = this.#terms;
    return (this.#nobodysHash ??= hashedPassword("", secret(saltBytes), cost));
  }

  #check(name: string): void {
    const bytes = Buffer.byteLength(name);
    if (bytes === 0 || bytes > nameBytesMax)
      throw new Refusal("precondition-failed", `a user's name has 1 to ${nameBytesMax} bytes`);
    if (!this.#users.has(name) && this.#users.size >= usersMax)
      throw new Refusal(
        "precondition-failed",
        `there are ${usersMax} users, the most there can be`,
      );
  }
}
