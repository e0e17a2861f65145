import { constants } from "node:fs";
import { stat } from "node:fs/promises";
import { pid } from "node:process";
import { milliseconds, type Duration } from "../../base/duration.ts";
import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import type { BrokerFactory } from "../../broker/broker.ts";
import { embeddedCapabilities } from "../../broker/embedded/port/shared-embedded.ts";
import { makeFolder } from "../../broker/embedded/storage/place.ts";
import { messageBytesMax } from "../broker/bounds.ts";
import { folderAt } from "./address.ts";
import { handOverMsDefault, waitMsDefault } from "./bounds.ts";
import { engine, type EngineOptions } from "./engine.ts";
import { FileBroker } from "./file-broker.ts";
import { Folder, type Face } from "./folder.ts";

export interface FileOptions extends EngineOptions {
  /**
   * When this process owns the folder and leaves: how long handlers that run anywhere may go on before what they were given
   * comes to somebody else. Default 2 s.
   */
  readonly handOver?: Duration;
  /** What else is served while this process owns the folder. Default: nothing. */
  readonly faces?: readonly Face[];
}

/** The make behind `file:./data`; what it is says `file` of `trunkline/broker/embedded`. */
export function file(options: FileOptions = {}): BrokerFactory {
  return {
    name: "embedded",
    schemes: ["file"],
    capabilities: { ...embeddedCapabilities, bytesMax: messageBytesMax },
    open: async (address, { name, waitMs = waitMsDefault }, env) => {
      const folder = await folderOf(folderAt(address), options, { name, waitMs }, env);
      return FileBroker.open(folder, { name, waitMs }, env);
    },
  };
}

const folders = new WeakMap<Env, Map<string, Folder>>();

/** The folder, which all of this process that name it share. */
export async function folderOf(
  path: string,
  options: FileOptions,
  user: { readonly name: string; readonly waitMs: number },
  env: Env,
): Promise<Folder> {
  const folder = await ownFolder(path, options.storage?.networkAllowed ?? false);
  let known = folders.get(env);
  if (known === undefined) folders.set(env, (known = new Map()));
  const found = known.get(folder);
  if (found?.closed === false) return found;
  const handOverMs = milliseconds(options.handOver ?? handOverMsDefault);
  const terms = { ...user, folder, pid, handOverMs, openEngine: engine(options) };
  const made = new Folder(terms, env);
  for (const face of options.faces ?? []) made.serve(face);
  known.set(folder, made);
  return made;
}

/** Makes the folder where it is missing, for this user alone. Resolves with its path without links. */
async function ownFolder(path: string, networkAllowed: boolean): Promise<string> {
  const folder = await makeFolder(path, networkAllowed);
  const { mode } = await stat(folder);
  if ((mode & constants.S_IWOTH) === 0) return folder;
  throw systemError("PERMISSION_DENIED", `everybody may write in the folder ${path}`, {
    executed: "no",
    advice: `whoever can write there can change what waits: chmod o-w ${path}`,
  });
}
