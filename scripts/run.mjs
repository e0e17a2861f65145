// Every npm script comes through here: `node scripts/run.mjs NAME args…` installs what the lock file
// asks for when that is missing, chooses the Node to run on, and hands over to the program NAME.
// It and what it imports run before the install, so: plain JavaScript, Node 20, no dependency.
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { ensureInstalled } from "./install.mjs";
import { runtime } from "./runtime.mjs";
import { spawned } from "./spawned.mjs";
import { removeStaleAddon } from "./stale-addon.mjs";

const root = join(import.meta.dirname, "..");

/** What each script runs. They all see the library's sources as `trunkline`: no build is needed. */
const programs = {
  bench: "bench/main.ts",
  build: "scripts/build.ts",
  check: "scripts/check.ts",
  demo: "demo/main.ts",
  format: "node_modules/oxfmt/bin/oxfmt",
  fuzz: "fuzz/main.ts",
  mutants: "mutants/main.ts",
  native: "scripts/native.ts",
  "native:sanitize": "scripts/native/sanitize.ts",
  "same-host": "scripts/same-host.ts",
  servers: "scripts/servers/main.ts",
  sim: "sim/main.ts",
  soak: "soak/main.ts",
  test: "scripts/test.ts",
  "test:clusters": "clusters/main.ts",
  "test:java-client": "compatibility/main.ts",
  "test:mysql": "scripts/test-mysql.ts",
  "test:rabbitmq4": "scripts/test-rabbitmq4.ts",
  torture: "torture/main.ts",
  trunkline: "src/cli/main.ts",
};

async function main([name, ...args]) {
  const program = programs[name];
  if (program === undefined) {
    throw new Error(`there is no script "${name}"; there are: ${Object.keys(programs).join(", ")}`);
  }
  await ensureInstalled(root);
  removeStaleAddon(root);
  if (!existsSync(join(root, program))) throw new Error(`${program} does not exist (yet)`);
  const bin = join(root, "node_modules", ".bin");
  return spawned(runtime(root), ["--conditions=@trunkline/source", program, ...args], {
    cwd: root,
    env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` },
    stdio: "inherit",
  });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`trunkline: ${error.message}`);
  process.exitCode = 1;
}
