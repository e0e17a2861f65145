import { constants } from "node:fs";
import { mkdir, realpath, stat } from "node:fs/promises";
import { pid } from "node:process";
import { milliseconds, type Duration } from "../../base/duration.ts";
import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import type { BrokerCapabilities, BrokerFactory } from "../../broker/broker.ts";
import { folderAt } from "./address.ts";
import { handOverMsDefault, waitMsDefault } from "./bounds.ts";
import { FileBroker } from "./file-broker.ts";
import { Folder } from "./folder.ts";
import type { OpenEngine } from "./life.ts";

export interface FileTerms {
  readonly openEngine: OpenEngine;
  readonly capabilities: BrokerCapabilities;
  readonly handOver?: Duration | undefined;
}

const folders = new WeakMap<Env, Map<string, Folder>>();

export function folderBroker(terms: FileTerms): BrokerFactory {
  return {
    name: "embedded",
    schemes: ["file"],
    capabilities: terms.capabilities,
    open: async (address, options, env) => {
      const { name, waitMs = waitMsDefault } = options;
      const folder = await folderOf(folderAt(address), { ...terms, name, waitMs }, env);
      return FileBroker.open(folder, { name, waitMs }, env);
    },
  };
}

/** The folder, which all of this process that name it share. */
async function folderOf(
  path: string,
  terms: FileTerms & { readonly name: string; readonly waitMs: number },
  env: Env,
): Promise<Folder> {
  const folder = await ownFolder(path);
  let known = folders.get(env);
  if (known === undefined) folders.set(env, (known = new Map()));
  const found = known.get(folder);
  if (found !== undefined && !found.closed) return found;
  const { openEngine, handOver = handOverMsDefault, name, waitMs } = terms;
  const made = new Folder(
    { folder, name, pid, waitMs, handOverMs: milliseconds(handOver), openEngine },
    env,
  );
  known.set(folder, made);
  return made;
}

/** Makes the folder where it is missing, for this user alone. Resolves with its path without links. */
async function ownFolder(path: string): Promise<string> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    const folder = await realpath(path);
    const { mode } = await stat(folder);
    if ((mode & constants.S_IWOTH) === 0) return folder;
  } catch (cause) {
    throw systemError(
      "PERMISSION_DENIED",
      `the folder ${path} cannot be used: ${(cause as Error).message}`,
      {
        executed: "no",
        advice: "name a folder that this user can write",
        cause,
      },
    );
  }
  throw systemError("PERMISSION_DENIED", `everybody may write in the folder ${path}`, {
    executed: "no",
    advice: `whoever can write there can change what waits: chmod o-w ${path}`,
  });
}
