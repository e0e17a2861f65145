import { join } from "node:path";

import { isTrunklineError, systemError } from "../../base/error.ts";
import type { Env } from "../../base/env.ts";
import type { Discovery, Instance, Lease, RegisterOptions, Snapshot, Watch } from "../discovery.ts";
import { Feed } from "../feed.ts";
import { servicesOf } from "../instance.ts";
import { keepLease, ttlOf } from "../keep-lease.ts";
import { clean, fileOf, OwnEntry, readEntry } from "./entry.ts";
import { openFolder } from "./folder.ts";
import { hasEnded } from "../../base/process-owner.ts";
import { Scanner } from "./scanner.ts";

export interface DirectoryOptions {
  /** Who must own the folder and the one it is in. Default: whoever does, for a folder that is named on purpose. */
  readonly user?: number | undefined;
}

/**
 * Discovery on one host, without any server: a folder with a file for each instance. A file is replaced as a whole and touched to
 * renew its lease. Whoever watches asks for the processes too, so that a death is noticed in a quarter of a second where their
 * numbers mean something (the same PID namespace), and by the lease elsewhere. `fs.watch` brings changes; because it loses some,
 * everything is looked at every two seconds.
 *
 * `path`: the folder; made for its user alone when it is missing, refused when everybody may write there.
 */
export function directory(path: string, options: DirectoryOptions = {}): Discovery {
  return new Directory(path, options.user);
}

class Directory implements Discovery {
  readonly name = "directory";
  readonly capabilities = {
    registers: true,
    expires: "at once",
    pushes: true,
    attributes: true,
  } as const;
  readonly #folder: string;
  readonly #user: number | undefined;
  readonly #feeds: Map<Feed, string> = new Map();
  readonly #leases: Set<Lease> = new Set();
  #scanner: Scanner | undefined;

  constructor(folder: string, user: number | undefined) {
    this.#folder = folder;
    this.#user = user;
  }

  watch(service: string, onChange: (snapshot: Snapshot) => void, env: Env): Watch {
    const source = {
      refresh: () => this.#scanner?.refresh(),
      close: () => {
        this.#feeds.delete(feed);
        if (this.#feeds.size > 0) return undefined;
        const scanner = this.#scanner;
        this.#scanner = undefined;
        return scanner?.close();
      },
    };
    const feed: Feed = new Feed({ registry: this.name, service, onChange, env }, source);
    this.#feeds.set(feed, service);
    this.#scanner ??= new Scanner(this.#folder, this.#user, env, (instances, problem) => {
      for (const [each, of] of this.#feeds) {
        if (instances === undefined) each.unavailable(problem);
        else each.filled(instances.filter((one) => servicesOf(one).includes(of)));
      }
    });
    this.#scanner.refresh();
    return feed;
  }

  async register(instance: Instance, options: RegisterOptions, env: Env): Promise<Lease> {
    const ttlMs = ttlOf(options);
    let own: OwnEntry | undefined;
    const acts = {
      take: async (now: Instance, again: boolean) => {
        await this.#open();
        if (again && (await this.#isOthers(now))) return false;
        const before = own;
        own = await OwnEntry.write(this.#folder, now, ttlMs);
        await before?.release();
        return true;
      },
      renew: async () => (await own?.renew(env.wall())) ?? false,
      give: async () => own?.give(),
    };
    const lease = await keepLease(acts, instance, options, env);
    this.#leases.add(lease);
    // What is left of others harms nobody: who cannot remove it lets it be.
    await clean(this.#folder, env.wall()).catch(() => {});
    return lease;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#leases, ...this.#feeds.keys()].map((each) => each.close()));
    this.#leases.clear();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #open(): Promise<void> {
    try {
      await openFolder(this.#folder, this.#user);
    } catch (error) {
      if (isTrunklineError(error)) throw error;
      const reason = `the folder ${this.#folder} cannot be used: ${(error as Error).message}`;
      throw systemError("UNAVAILABLE", reason, { executed: "no", cause: error });
    }
  }

  /** True when another life has written the file, and lives. */
  async #isOthers({ id, bootId }: Instance): Promise<boolean> {
    const entry = await readEntry(join(this.#folder, fileOf(id))).catch(() => undefined);
    return entry !== undefined && entry.instance.bootId !== bootId && !hasEnded(entry.owner, true);
  }
}
