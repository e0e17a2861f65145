import type { BigIntStats } from "node:fs";

import { probe, type Life } from "./probe.ts";

/** What gives a listener its name in the file system: a socket, or a named pipe. */
export interface LocalFile {
  /** For people. */
  readonly noun: string;
  is(file: BigIntStats): boolean;
  /** Asks whether somebody listens there. */
  probe(path: string): Promise<Life>;
}

export const socketFile: LocalFile = {
  noun: "socket",
  is: (file) => file.isSocket(),
  probe,
};
