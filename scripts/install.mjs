import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { spawned } from "./spawned.mjs";

const progressEveryMs = 5_000;
const lockPollMs = 250;

/**
 * Installs from the lock file unless `node_modules` already holds what it asks for. All output goes
 * to stderr: stdout belongs to the script that follows. Only one process at a time installs.
 */
export async function ensureInstalled(root) {
  if (upToDate(root)) return;
  const unlock = await lock(root);
  try {
    if (!upToDate(root)) await install(root);
  } finally {
    unlock();
  }
}

/**
 * Whether every package of the lock file is there in its version. npm leaves a record of what it
 * installed; optional packages may be missing from it (they are for another platform).
 */
function upToDate(root) {
  const wanted = packagesOf(join(root, "package-lock.json"));
  const present = packagesOf(join(root, "node_modules", ".package-lock.json"));
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (path === "") return true;
    return path in present ? present[path].version === version : optional === true;
  });
}

function packagesOf(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8")).packages;
  } catch (error) {
    if (error.code === "ENOENT") return {};
    throw error;
  }
}

async function install(root) {
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 1000);
  console.error("trunkline: installing dependencies from package-lock.json …");
  const progress = setInterval(() => console.error(`  … ${seconds()} s`), progressEveryMs);
  try {
    const code = await npm(["ci", "--include=dev", "--include=optional", "--loglevel=error"], root);
    if (code !== 0) throw new Error(`npm ci failed (exit code ${code}); its output is above`);
  } finally {
    clearInterval(progress);
  }
  console.error(`trunkline: installed in ${seconds()} s`);
}

function npm(args, cwd) {
  const options = { cwd, stdio: ["ignore", 2, 2] };
  const cli = process.env.npm_execpath;
  if (cli?.endsWith("npm-cli.js")) return spawned(process.execPath, [cli, ...args], options);
  return spawned("npm", args, { ...options, shell: process.platform === "win32" });
}

/** Waits until no other live process installs here; the lock is a file with its owner's pid. */
async function lock(root) {
  const path = join(root, ".cache", "install.lock");
  const mine = `${path}.${process.pid}`;
  mkdirSync(join(root, ".cache"), { recursive: true });
  writeFileSync(mine, String(process.pid));
  try {
    for (let waited = false; !linked(mine, path); waited = true) {
      const owner = ownerOf(path);
      if (owner === undefined) continue;
      if (!alive(owner)) rmSync(path, { force: true });
      else if (!waited) console.error(`trunkline: waiting for the install of process ${owner} …`);
      await sleep(lockPollMs);
    }
  } finally {
    rmSync(mine);
  }
  return () => rmSync(path, { force: true });
}

/** A hard link appears whole or not at all, so that nobody reads a lock without an owner. */
function linked(from, to) {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

function ownerOf(path) {
  try {
    return Number(readFileSync(path, "utf8"));
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
