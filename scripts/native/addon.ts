// Compiles native/ with the plain C compiler of the machine.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";

const root = join(import.meta.dirname, "../..");
/** The compiler leaves this, and the digest of the sources behind it, in what it makes. */
const mark = "trunkline-sources:";
const digestLength = 64;
const compilers = ["cc", "gcc", "clang"];

/** Where src/os/addon.ts looks first. */
export const builtAddon: string = join(root, "native/build/trunkline.node");
/** What the package brings for this platform. */
export const prebuiltAddon: string = join(
  root,
  `native/prebuilt/${process.platform}-${process.arch}/trunkline.node`,
);

/**
 * It names no library and no version of a symbol: what it calls is found in the program that loads it, which has a libc already,
 * whichever that is and however old.
 */
const forAll = ["-O2", "-nostdlib", "-Wl,-z,now,-z,relro,-z,noexecstack", "-s"];

export interface Recipe {
  readonly to: string;
  readonly flags?: readonly string[];
}

/** Compiles it, or says why that cannot be. Whoever has loaded what was there before keeps it. */
export function compile({ to, flags = forAll }: Recipe): string | undefined {
  const compiler = compilerHere();
  if (compiler === undefined) return `there is no C compiler (${compilers.join(", ")})`;
  const headers = headersHere();
  if (headers === undefined) return "there are no headers of Node";
  mkdirSync(dirname(to), { recursive: true });
  const made = `${to}.${process.pid}`;
  const { status, stderr } = spawnSync(
    compiler,
    [
      ...["-std=c11", "-D_GNU_SOURCE", "-fPIC", "-shared", "-fvisibility=hidden"],
      ...["-Wall", "-Wextra", "-Werror", "-isystem", headers],
      ...[`-DTRUNKLINE_SOURCES="${mark}${digestOfSources()}"`, ...flags],
      ...["-o", made, ...globSync("native/*.c", { cwd: root }).toSorted(), "-lgcc"],
    ],
    { cwd: root, encoding: "utf8" },
  );
  if (status === 0) renameSync(made, to);
  else rmSync(made, { force: true });
  return status === 0 ? undefined : `${compiler} failed:\n${stderr}`;
}

/** Whether a file was made of the sources as they are. */
export function isCurrent(path: string): boolean {
  if (!existsSync(path)) return false;
  const bytes = readFileSync(path);
  const at = bytes.indexOf(mark) + mark.length;
  return bytes.toString("latin1", at, at + digestLength) === digestOfSources();
}

/** Undefined: there is none. */
export function compilerHere(): string | undefined {
  return compilers.find((name) => spawnSync(name, ["--version"]).status === 0);
}

/** Those that came with the Node of this repository, or else with the one that runs this. */
export function headersHere(): string | undefined {
  const [brought] = globSync("node_modules/node-*/include/node/node_api.h", { cwd: root });
  const own = join(dirname(process.execPath), "../include/node/node_api.h");
  const header = brought === undefined ? own : join(root, brought);
  return existsSync(header) ? dirname(header) : undefined;
}

function digestOfSources(): string {
  const hash = createHash("sha256");
  for (const file of globSync("native/*.{c,h}", { cwd: root }).toSorted())
    hash.update(`${basename(file)}\n`).update(readFileSync(join(root, file)));
  return hash.digest("hex");
}
