import { atMost } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { systemError, type TrunklineError } from "../../base/error.ts";
import { folderAt } from "./address.ts";
import { waitMsDefault } from "./bounds.ts";
import { folderOf, type FileOptions } from "./file.ts";
import type { Folder, FolderUser } from "./folder.ts";
import type { Life } from "./life.ts";
import type { Overseer } from "./overseer.ts";

export interface KeptFolderOptions extends FileOptions {
  /** What this process calls itself. */
  readonly name: string;
  /** Called with each owner that there is: this process, or another one. */
  readonly onOwner?: (role: "owner" | "guest", overseer: Overseer) => void;
  /** Called with what keeps this process from opening the folder, whenever it has tried in vain; it tries again. */
  readonly onRefused?: (error: TrunklineError) => void;
  /** Default 10,000. */
  readonly waitMs?: number;
}

/** A folder in the care of a process that neither publishes nor consumes there: it owns it, or stands by, or looks at it. */
export class KeptFolder implements FolderUser {
  readonly #folder: Folder;
  readonly #options: KeptFolderOptions;
  readonly #env: Env;
  readonly #first = Promise.withResolvers<void>();
  #life: Life | undefined;

  /** Resolves when there is an owner. `address`: `file:./data`. @throws TrunklineError when the folder cannot be used. */
  static async open(address: string, options: KeptFolderOptions, env: Env): Promise<KeptFolder> {
    const { name, waitMs = waitMsDefault } = options;
    const folder = await folderOf(folderAt(address), options, { name, waitMs }, env);
    const kept = new KeptFolder(folder, options, env);
    try {
      folder.join(kept);
      await kept.#begun(waitMs);
      return kept;
    } catch (error) {
      await kept.close();
      throw error;
    }
  }

  private constructor(folder: Folder, options: KeptFolderOptions, env: Env) {
    this.#folder = folder;
    this.#options = options;
    this.#env = env;
  }

  get address(): string {
    return this.#folder.address;
  }

  /** Who looks at it. @throws TrunklineError UNAVAILABLE between two owners. */
  get overseer(): Overseer {
    if (this.#life !== undefined) return this.#life.overseer;
    throw systemError("UNAVAILABLE", `${this.address} has no owner at the moment`, {
      executed: "no",
      endpoint: this.address,
    });
  }

  async close(): Promise<void> {
    await this.#folder.leave(this);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  // ---- FolderUser ---------------------------------------------------------------------------------------------------

  begun(life: Life): void {
    this.#life = life;
    this.#first.resolve();
    this.#options.onOwner?.(life.role, life.overseer);
  }

  over(): void {
    this.#life = undefined;
  }

  leaving(): Promise<void> {
    return Promise.resolve();
  }

  refused(error: TrunklineError): void {
    this.#first.reject(error);
    this.#options.onRefused?.(error);
  }

  async #begun(waitMs: number): Promise<void> {
    await atMost(this.#env, waitMs, this.#first.promise);
    if (this.#life === undefined) throw await this.#folder.problem();
  }
}
