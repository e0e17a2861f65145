import { readdirSync, readFileSync, readlinkSync, statfsSync } from "node:fs";
import { arch, availableParallelism, platform, release } from "node:os";
import { addon, addonProblem } from "../../os/addon.ts";
import { createSegment, nonceBytes, ringBytesLeast } from "../../os/segment.ts";

/** What the doctor sees of a machine, and all that it sees; tests give one that they made up. */
export interface Probe {
  readonly platform: string;
  readonly arch: string;
  /** Of the kernel. */
  readonly release: string;
  /** Of Node: `26.1.0`. */
  readonly node: string;
  /** What this process may use at once, as Node counts it. */
  readonly cores: number;
  /** Of the user who asks; -1 where there is no such number. */
  readonly uid: number;
  /** A file's text; undefined where it is not there or may not be read. */
  text(path: string): string | undefined;
  /** Where a link leads; undefined like `text`. */
  link(path: string): string | undefined;
  /** The names in a folder; none like `text`. */
  names(path: string): readonly string[];
  /** How many bytes the file system of a path has, and has free. */
  space(path: string): Space | undefined;
  /** Why there is no addon; undefined: there is one. */
  readonly addonProblem: string | undefined;
  /** Makes, maps and seals shared memory as a connection does, and lets it go; says what went wrong. */
  tryMemory(): string | undefined;
  /** Whether memory that is shared can be had in huge pages. */
  tryHugePages(): boolean;
}

export interface Space {
  readonly bytes: number;
  readonly free: number;
}

/** This machine. */
export function realProbe(): Probe {
  return {
    platform: platform(),
    arch: arch(),
    release: release(),
    node: process.versions.node,
    cores: availableParallelism(),
    // Not by the user database: in a container a user may have no entry there.
    uid: process.getuid?.() ?? -1,
    text: (path) => orNothing(() => readFileSync(path, "utf8")),
    link: (path) => orNothing(() => readlinkSync(path)),
    names: (path) => orNothing(() => readdirSync(path)) ?? [],
    space: (path) =>
      orNothing(() => {
        const { bsize, blocks, bavail } = statfsSync(path);
        return { bytes: bsize * blocks, free: bsize * bavail };
      }),
    addonProblem: addonProblem(),
    tryMemory,
    tryHugePages: () => addon()?.memoryHuge() === 0,
  };
}

function tryMemory(): string | undefined {
  const os = addon();
  if (os === undefined) return addonProblem();
  try {
    const segment = createSegment(os, ringBytesLeast, new Uint8Array(nonceBytes));
    segment.ring[0] = 1;
    segment.release();
    os.descriptorClose(segment.fd);
    os.descriptorClose(os.bellCreate());
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** What cannot be read is not there for the doctor: no right, no such file, no Linux. */
function orNothing<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
