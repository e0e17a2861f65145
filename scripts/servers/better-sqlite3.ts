// Not a server, but brought the same way: `npm ci` runs no scripts, so the native part of better-sqlite3 is compiled here, once for each
// Node, and put where its loader looks. Nothing is downloaded: its sources are in its package, the headers in that of Node.
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { printed } from "./command.ts";
import { broughtTo } from "./server.ts";

const package_ = join(import.meta.dirname, "../../node_modules/better-sqlite3");
const headers = join(dirname(process.execPath), "../include/node");
const addon = "better_sqlite3.node";

/** Why what needs better-sqlite3 is skipped; undefined when it is there. Compiling takes a quarter of a minute. */
export async function missingBetterSqlite3(): Promise<string | undefined> {
  const { version } = JSON.parse(readFileSync(join(package_, "package.json"), "utf8")) as {
    version: string;
  };
  const build = `node-v${process.versions.modules}-${process.platform}-${process.arch}`;
  const place = join(package_, "lib/binding", build, addon);
  if (existsSync(place)) return undefined;
  const kept = join(broughtTo, "better-sqlite3", `${version}-${build}`, addon);
  const problem = existsSync(kept) ? undefined : await compiled(kept);
  if (problem !== undefined) return `better-sqlite3 is not compiled: ${problem}`;
  put(kept, place);
  return undefined;
}

/** As its `binding.gyp` says. Optimized little: that halves the time. */
async function compiled(target: string): Promise<string | undefined> {
  if (process.platform !== "linux") return "that is tried on Linux alone; run npm rebuild";
  if (!existsSync(join(headers, "node.h"))) return `this Node has no headers in ${headers}`;
  const folder = `${dirname(target)}.${process.pid}`;
  const at = (name: string): string => join(folder, name);
  const sqlite = join(package_, "deps/sqlite3");
  const gyp = readFileSync(join(package_, "deps/defines.gypi"), "utf8");
  const defines = [...gyp.matchAll(/^\s+'([A-Z][^']*)',?$/gm)].map(([, define]) => `-D${define}`);
  const flags = ["-O1", "-w", "-fPIC", "-DNDEBUG", "-c"];
  const forC = ["-std=c99", ...flags, ...defines];
  const forNode = ["-fno-rtti", "-fno-exceptions", `-I${headers}`, `-I${sqlite}`];
  const forCpp = ["-std=c++20", ...flags, ...forNode, "-DNODE_GYP_MODULE_NAME=better_sqlite3"];
  const linked = ["-shared", "-Wl,-Bsymbolic", "-Wl,--exclude-libs,ALL"];
  mkdirSync(folder, { recursive: true });
  try {
    await Promise.all([
      printed("gcc", [...forC, join(sqlite, "sqlite3.c"), "-o", at("sqlite3.o")]),
      printed("g++", [...forCpp, join(package_, "src/better_sqlite3.cpp"), "-o", at("addon.o")]),
    ]);
    await printed("g++", [...linked, at("addon.o"), at("sqlite3.o"), "-o", at(addon)]);
    put(at(addon), target);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** It appears whole or not at all: somebody else may be at the same. */
function put(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  const unfinished = `${to}.${process.pid}`;
  copyFileSync(from, unfinished);
  renameSync(unfinished, to);
}
