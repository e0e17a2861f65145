import type { Probe, Space } from "./probe.ts";

/** A machine that tests make up: what its files say, where its links lead. */
export interface MadeUp extends Partial<Omit<Probe, "text" | "link" | "names" | "space">> {
  readonly files?: Readonly<Record<string, string>>;
  readonly links?: Readonly<Record<string, string>>;
  readonly spaces?: Readonly<Record<string, Space>>;
}

/** A probe of a machine that there is not: Linux with an addon, and nothing else but what is given. */
export function madeUp({ files = {}, links = {}, spaces = {}, ...rest }: MadeUp): Probe {
  const paths = [...Object.keys(files), ...Object.keys(links)];
  return {
    platform: "linux",
    arch: "x64",
    release: "6.12.0",
    node: "26.1.0",
    cores: 8,
    uid: 1_000,
    text: (path) => files[path],
    link: (path) => links[path],
    names: (path) => [
      ...new Set(
        paths
          .filter((each) => each.startsWith(`${path}/`))
          .map((each) => each.slice(path.length + 1).split("/")[0]!),
      ),
    ],
    space: (path) => spaces[path],
    addonProblem: undefined,
    tryMemory: () => undefined,
    tryHugePages: () => true,
    ...rest,
  };
}
