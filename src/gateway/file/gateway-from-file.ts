import { watch } from "node:fs";

import { alarmAt } from "../../base/alarm.ts";
import { realEnv } from "../../base/real-env.ts";
import { isTrunklineError, type TrunklineError } from "../../base/error.ts";
import type { StopOptions, Stopped } from "../../chassis/ending.ts";
import { tls, type TlsFiles } from "../../transport/tls/index.ts";
import { gateway, type Gateway } from "../gateway.ts";
import type { GatewaySettings } from "../options.ts";
import {
  besideFile,
  folderOf,
  readGatewayFile,
  refuseCold,
  routesOf,
  type GatewayFile,
} from "./gateway-file.ts";
import { learnContracts, type Learned } from "./learn-contracts.ts";

/** How long after a change the file is read, in milliseconds: editors write in several steps. */
const settleMs = 100;
/** The same where changes do not end, as in a folder that somebody logs to. */
const settleMaxMs = 1_000;

export interface GatewayFromFileOptions extends Partial<GatewaySettings> {
  /** The file: JSON by the schema that `trunkline gateway --schema` prints. */
  readonly file: string;
  /** Reads it anew whenever it changes. Default true. */
  readonly watch?: boolean;
  /** Hears when it was read anew: with why it was refused, and the old routes stay; or with nothing. Default: nobody hears. */
  readonly onReload?: (refused?: TrunklineError) => void;
}

/** A gateway whose routes stand in a file. */
export interface FileGateway extends Gateway {
  /** Reads the file anew, at once. Rejects with what is wrong with it; then the old routes stay. */
  reload(): Promise<void>;
}

/**
 * Starts a gateway by a file, and follows it: new routes hold for requests that begin from then on, those under way end by the old
 * ones. A file that is wrong is refused, with line and column, and the old routes stay. What is not a route is read at the start only.
 * The options come before what the file says.
 *
 * @throws TrunklineError that lists every problem; nothing listens then.
 */
export async function gatewayFromFile(options: GatewayFromFileOptions): Promise<FileGateway> {
  const { file: path, watch: follows = true, onReload = () => {}, ...given } = options;
  const file = await readGatewayFile(path);
  const learned = await learnAll(file);
  const { contracts } = learned;
  const { tls: files, ...said } = file.said;
  const transports = files === undefined ? undefined : [tlsOf(file, files)];
  const { $schema: _, ...rest } = said as typeof said & { readonly $schema?: string };
  const follower = Promise.withResolvers<Following>();
  const running = await gateway({
    ...rest,
    ...(transports === undefined ? {} : { transports }),
    bindings: learned.bindings,
    ...given,
    reload: async () => {
      await (await follower.promise).changed();
      await given.reload?.();
    },
    contracts,
    routes: routesOf(file, contracts),
  });
  const following = new Following(running, file, learned, onReload);
  follower.resolve(following);
  if (follows) following.begin(given.env ?? realEnv());
  return following;
}

/**
 * Looks at a file without listening: its form, its contracts, and whether its routes suit them.
 *
 * @throws TrunklineError that tells every problem, with line and column.
 */
export async function checkGatewayFile(
  path: string,
): Promise<{ readonly routes: number; readonly contracts: number }> {
  const file = await readGatewayFile(path);
  const { contracts } = await learnAll(file);
  return { routes: routesOf(file, contracts).length, contracts: contracts.length };
}

async function learnAll(file: GatewayFile): Promise<Learned> {
  const { contracts = [] } = file.said;
  const all = await Promise.all(contracts.map((text) => learnContracts(text, folderOf(file))));
  return {
    contracts: [...new Set(all.flatMap((each) => each.contracts))],
    bindings: [...new Set(all.flatMap((each) => each.bindings))],
  };
}

function tlsOf(
  file: GatewayFile,
  { clientCertificate = "none", ...files }: NonNullable<GatewayFile["said"]["tls"]>,
): ReturnType<typeof tls> {
  const found = Object.entries(files).map(([name, path]) => [name, besideFile(file, path)]);
  return tls({ files: Object.fromEntries(found) as TlsFiles, clientCertificate });
}

class Following implements FileGateway {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly stopped: Promise<Stopped>;
  readonly route: Gateway["route"];
  readonly #running: Gateway;
  readonly #learned: Learned;
  readonly #onReload: (refused?: TrunklineError) => void;
  /** The one that holds. */
  #file: GatewayFile;
  #reading: Promise<void> = Promise.resolve();
  /** What was told of the file last, when it was refused. Other files of its folder change too: that is no news of it. */
  #refused: string | undefined;

  constructor(
    running: Gateway,
    file: GatewayFile,
    learned: Learned,
    onReload: (refused?: TrunklineError) => void,
  ) {
    this.name = running.name;
    this.addresses = running.addresses;
    this.stopped = running.stopped;
    this.route = (routes) => running.route(routes);
    this.#running = running;
    this.#file = file;
    this.#learned = learned;
    this.#onReload = onReload;
  }

  get ready(): boolean {
    return this.#running.ready;
  }

  stats(): ReturnType<Gateway["stats"]> {
    return this.#running.stats();
  }

  /** The folder is watched, not the file: editors and Kubernetes put another file in its place. */
  begin(env: ReturnType<typeof realEnv>): void {
    let latest = Infinity;
    const folder = watch(folderOf(this.#file), { persistent: false }, () => {
      latest = Math.min(latest, env.now() + settleMaxMs);
      env.clear(alarm);
      env.set(alarm, Math.min(latest, env.now() + settleMs));
    });
    folder.on("error", () => {}); // it was removed: what holds goes on
    const alarm = alarmAt(env, Infinity, () => {
      latest = Infinity;
      void this.changed();
    });
    void this.stopped.then(() => {
      folder.close();
      env.clear(alarm);
    });
  }

  /** Reads the file, and tells whoever follows it what came of that. */
  async changed(): Promise<void> {
    try {
      const changed = await this.#reloaded();
      this.#refused = undefined;
      if (changed) this.#onReload();
    } catch (error) {
      if (!isTrunklineError(error)) throw error;
      if (error.message === this.#refused) return;
      this.#refused = error.message;
      this.#onReload(error);
    }
  }

  async reload(): Promise<void> {
    await this.#reloaded();
  }

  /** One after the other. True when the file says something else than before. */
  #reloaded(): Promise<boolean> {
    const read = this.#reading.then(() => this.#read());
    this.#reading = read.then(
      () => {},
      () => {},
    );
    return read;
  }

  async #read(): Promise<boolean> {
    const file = await readGatewayFile(this.#file.path);
    if (file.text === this.#file.text) return false;
    refuseCold(file, this.#file);
    await this.#running.route(routesOf(file, this.#learned.contracts));
    this.#file = file;
    return true;
  }

  stop(options?: StopOptions): Promise<Stopped> {
    return this.#running.stop(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
