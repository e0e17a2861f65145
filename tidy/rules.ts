// Each rule looks at the whole tree and answers with complaints; each complaint says what to do.
import {
  ambientAllowed,
  browserSafe,
  foreignServers,
  insiders,
  layers,
  linesMax,
  namesBanned,
  ports,
  type Ambient,
} from "./layers.ts";
import type { Import, Source, Tree } from "./tree.ts";

export type Rule = (tree: Tree) => string[];

export const rules: Readonly<Record<string, Rule>> = {
  "imports point down the layers": pointDown,
  "what is beside src imports trunkline by name": byName,
  "imports of files carry their ending": carryEnding,
  "files are short": short,
  "names say what a thing holds": named,
  "time, randomness and the process come in from base": injected,
  "the contract runs in a browser": inBrowser,
  "the root reaches no library that its user did not ask for": rootIsPure,
  "every implementation of a port runs its suite": conforming,
  "every example has its expected output": expected,
};

function pointDown({ sources }: Tree): string[] {
  const root = "src/index.ts";
  return library(sources).flatMap(({ path, imports }) => {
    const own = layerOf(path);
    if (own < 0 && path !== root) {
      return [`${path}: its folder is in no layer; add it to tidy/layers.ts`];
    }
    const targets = imports.flatMap((each) => each.path ?? []);
    return targets.flatMap((target) => {
      if (isTest(path) && target.startsWith(foreignServers)) return [];
      if (!target.startsWith("src/")) return `${path} imports ${target}: src/ stands alone`;
      if (path === root || folderOf(target) === folderOf(path)) return [];
      if (target !== root && layerOf(target) < own) return [];
      return (
        `${path} imports ${target}, which is in no lower layer; move what they share down, ` +
        `or take it as an argument`
      );
    });
  });
}

function byName({ sources }: Tree): string[] {
  return sources.flatMap(({ path, imports }) => {
    const folder = path.split("/")[0]!;
    if (folder === "src" || folder in insiders) return [];
    return imports
      .filter((each) => each.path?.startsWith("src/") === true)
      .map(
        ({ target }) =>
          `${path} imports ${target}; import "trunkline" or one of its subpaths, as a user would`,
      );
  });
}

function carryEnding({ sources }: Tree): string[] {
  return sources.flatMap(({ path, imports }) =>
    imports
      .filter((each) => each.path !== undefined && !/\.(ts|mjs|json)$/.test(each.target))
      .map(({ target }) => `${path} imports "${target}"; write the file's whole name, with .ts`),
  );
}

function short({ sources }: Tree): string[] {
  return sources.flatMap(({ path, text }) => {
    const lines = text.split("\n").length - 1;
    return lines > linesMax
      ? `${path} has ${lines} lines; split it by what it holds (limit ${linesMax})`
      : [];
  });
}

function named({ files }: Tree): string[] {
  return [...files]
    .filter((path) => namesBanned.test(path))
    .map((path) => `${path}: name it after what it holds, not "${namesBanned.exec(path)![2]}"`);
}

const ambients: readonly { what: Ambient; pattern: RegExp; instead: string }[] = [
  {
    what: "clock",
    pattern: /\b(Date\.now|new Date\(|performance\.now|Temporal\.Now|process\.hrtime)/g,
    instead: "take `env.now()` or `env.wall()`",
  },
  {
    what: "timer",
    pattern: /\b(set(Timeout|Interval|Immediate)|queueMicrotask|AbortSignal\.timeout|nextTick)\b/g,
    instead: "set an `Alarm` with `env.set`, or use `env.defer` or `env.yield`",
  },
  {
    what: "random",
    pattern: /\b(Math\.random|getRandomValues|random(UUID(v7)?|Bytes|Int|Fill(Sync)?))\b/g,
    instead: "take `env.random()`",
  },
  {
    what: "process",
    pattern: /(?<![\w$.#])(globalThis\.)?process\s*(\.(?!nextTick|hrtime)|\?\.|\[)/g,
    instead: "take what you need as an argument",
  },
];

const ambientModules: Readonly<Record<string, Ambient>> = {
  "node:process": "process",
  "node:timers": "timer",
  "node:timers/promises": "timer",
  "node:perf_hooks": "clock",
};

function injected({ sources }: Tree): string[] {
  const shipped = library(sources).filter(({ path }) => !isTest(path));
  const uses = shipped
    .filter(({ path }) => !path.startsWith("src/base/"))
    .flatMap((source) => ambientUses(source).map((use) => ({ path: source.path, ...use })));
  const allowedBy = (use: { path: string; what: Ambient }): number =>
    ambientAllowed.findIndex((entry) => entry.path === use.path && entry.what === use.what);
  const complaints = uses
    .filter((use) => allowedBy(use) < 0)
    .map(({ path, found, instead }) => `${path} uses ${found}; ${instead}`);
  const needed = new Set(uses.map(allowedBy));
  const idle = ambientAllowed.filter(
    ({ path }, index) => !needed.has(index) && shipped.some((source) => source.path === path),
  );
  return [
    ...complaints,
    ...idle.map(
      ({ path, what }) => `${path} needs no ${what} any more; strike it from tidy/layers.ts`,
    ),
  ];
}

function ambientUses(source: Source): { what: Ambient; found: string; instead: string }[] {
  const written = ambients.flatMap(({ what, pattern, instead }) =>
    [...new Set(source.code.match(pattern))].map((found) => ({ what, found, instead })),
  );
  const imported = source.imports.flatMap(({ target }) => {
    const what = ambientModules[target];
    if (what === undefined) return [];
    return { what, found: target, instead: ambients.find((each) => each.what === what)!.instead };
  });
  return [...written, ...imported];
}

function inBrowser({ sources }: Tree): string[] {
  const entries = library(sources)
    .map(({ path }) => path)
    .filter((path) => !isTest(path) && browserSafe.some((safe) => path.startsWith(safe)));
  return [...reach(sources, entries)].flatMap(([source, via]) => {
    const faults = source.imports
      .filter(({ target }) => target.startsWith("node:"))
      .map(({ target }) => `imports ${target}`);
    if (/\bBuffer\b/.test(source.code)) faults.push("names Buffer (use Uint8Array)");
    return faults.map((fault) => `${via} runs in a browser, but ${fault}; keep Node out of it`);
  });
}

function rootIsPure({ sources }: Tree): string[] {
  return [...reach(sources, ["src/index.ts"])].flatMap(([source, via]) =>
    source.imports
      .filter((each) => !each.dynamic && isLibrary(each))
      .map(({ target }) => `${via} imports ${target}; move it behind a subpath or an \`import()\``),
  );
}

function conforming({ sources, files }: Tree): string[] {
  const implementations = [...files].flatMap((path) => {
    const [, port = "", name = ""] = /^src\/([^/]+)\/([^/]+)\/index\.ts$/.exec(path) ?? [];
    return port in ports ? [{ port, name }] : [];
  });
  return implementations.flatMap(({ port, name }) => {
    const path = `src/${port}/${name}/conformance.test.ts`;
    const test = sources.find((source) => source.path === path);
    if (test?.code.includes(`${ports[port]}(`) === true) return [];
    return `src/${port}/${name}/ implements ${port}; let ${path} run ${ports[port]}(…)`;
  });
}

function expected({ files }: Tree): string[] {
  const names = [...files].flatMap((path) => /^examples\/([^/]+)\//.exec(path)?.[1] ?? []);
  return [...new Set(names)].flatMap((name) => {
    const complaints = ["main.ts", "expected.txt"]
      .map((file) => `examples/${name}/${file}`)
      .filter((path) => !files.has(path))
      .map((path) => `${path} is missing; test/examples.test.ts runs the one, compares the other`);
    if (!/^\d\d-[a-z-]+$/.test(name)) complaints.push(`examples/${name}: call it NN-name`);
    return complaints;
  });
}

function library(sources: readonly Source[]): Source[] {
  return sources.filter(({ path }) => path.startsWith("src/"));
}

function isTest(path: string): boolean {
  return /\.test(-d)?\.ts$/.test(path);
}

function isLibrary({ target, path }: Import): boolean {
  return path === undefined && !target.startsWith("node:");
}

/** The folder of `src/` that a file is in; that of the files beside the folders is "". */
function folderOf(path: string): string {
  const [, folder, file] = path.split("/");
  return file === undefined ? "" : folder!;
}

function layerOf(path: string): number {
  return layers.findIndex((layer) => layer.includes(folderOf(path)));
}

/** What static imports reach from the entries, types included, each with the way that leads there. */
function reach(sources: readonly Source[], entries: readonly string[]): Map<Source, string> {
  const reached = new Map<Source, string>();
  const visit = (path: string, via: string): void => {
    const source = sources.find((each) => each.path === path);
    if (source === undefined || reached.has(source)) return;
    reached.set(source, via);
    for (const each of source.imports) {
      if (each.path !== undefined && !each.dynamic) visit(each.path, `${via} → ${each.path}`);
    }
  };
  for (const entry of entries) visit(entry, entry);
  return reached;
}
