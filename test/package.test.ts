// Packs the package, installs it in an empty folder, and looks at it as a user would.
import { deepEqual, equal, match } from "node:assert/strict";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, suite, test } from "node:test";
import manifest from "../package.json" with { type: "json" };
import toolchain from "../toolchain/package.json" with { type: "json" };
import { start } from "./program.ts";

const oldestNode = manifest.engines.node.replace(">=", "");
const root = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "trunkline-package-"));
/** Only for this platform it brings one. */
const noAddon =
  `${process.platform}-${process.arch}` !== "linux-x64" && "no addon for it is brought";
const subpaths = Object.keys(manifest.exports)
  .filter((path) => path !== "./package.json")
  .map((path) => path.replace(".", "trunkline"));

suite("the packed package", () => {
  let installed: readonly string[] = [];
  before(async () => {
    await succeeds("npm", ["pack", "--pack-destination", folder], root);
    const [tarball = ""] = readdirSync(folder);
    writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
    await succeeds("npm", ["install", "--offline", "--no-audit", "--no-fund", tarball], folder);
    installed = readdirSync(join(folder, "node_modules"));
    linkPeers();
  });
  after(() => rmSync(folder, { recursive: true }));

  test("brings itself and nothing else, no Node either", () => {
    deepEqual(installed, [".bin", ".package-lock.json", "trunkline"]);
    deepEqual(readdirSync(join(folder, "node_modules/.bin")), ["trunkline"]);
  });

  for (const subpath of subpaths) {
    test(`${subpath} can be imported`, async () => {
      await succeeds(process.execPath, ["--eval", `await import("${subpath}")`], folder);
    });
  }

  test("its program starts", async () => {
    const program = join(folder, "node_modules/.bin/trunkline");
    equal(
      await succeeds(process.execPath, [program, "--version"], folder),
      `${manifest.version}\n`,
    );
  });

  test(
    "its addon is loaded, and without it, or refused, it works by sockets",
    { skip: noAddon },
    async () => {
      const library = join(folder, "node_modules/trunkline");
      const native = join(library, "native/prebuilt");
      writeFileSync(
        join(folder, "way.mjs"),
        `import { call, chassis, client, contract, serve } from "trunkline";
       import { addonProblem } from ${JSON.stringify(join(library, "dist/os/addon.js"))};
       const schema = { "~standard": { version: 1, vendor: "own", validate: (value) => ({ value }) } };
       const Echo = contract("echo", { version: "1.0.0" }, { echo: call({ in: schema, out: schema }) });
       await using app = await chassis({ name: "echo", listen: "unix:./echo.sock", serve: [serve(Echo, { echo: async (text) => text })] });
       await using echo = client(Echo, "unix:./echo.sock");
       console.log(await echo.echo("heard"), addonProblem() ?? "with the addon");`,
      );
      const run = (...flags: string[]): Promise<string> =>
        succeeds(process.execPath, [...flags, "way.mjs"], folder);
      equal(await run(), "heard with the addon\n");
      match(
        await run("--permission", "--allow-fs-read=*", "--allow-fs-write=*", "--allow-net"),
        /^heard .*loading addons is disabled/,
      );
      renameSync(native, `${native}-aside`);
      try {
        match(await run(), /^heard no addon for linux-x64 came with the package$/m);
      } finally {
        renameSync(`${native}-aside`, native); // those after this one have it again
      }
    },
  );

  test("its types stand on their own", async () => {
    const lines = subpaths.map((path, index) => `export * as path${index} from "${path}";`);
    writeFileSync(join(folder, "all.ts"), lines.join("\n"));
    await compiles("all.ts", { types: ["node"], typeRoots: [join(root, "node_modules/@types")] });
  });

  test("the contract's types need no Node", async () => {
    writeFileSync(join(folder, "browser.ts"), `export * from "trunkline/contract";`);
    await compiles("browser.ts", { types: [], lib: ["es2024", "dom"] });
  });

  test(`passes the published suites on Node ${oldestNode}`, async () => {
    const node = await fetchNode(oldestNode);
    match(await succeeds(node, ["--version"], folder), new RegExp(`^v${oldestNode}\\.`));
    copyFileSync(join(root, "test/published.ts"), join(folder, "published.ts"));
    const told = await succeeds(node, ["--test", "--test-reporter=spec", "published.ts"], folder);
    match(told, /^ℹ pass [1-9]\d+$/m);
  });
});

/** What only some subpaths need, and their users install themselves. */
function linkPeers(): void {
  // What brings no types has them in a package of their own.
  const types = ["@types/pg"];
  for (const name of [...Object.keys(manifest.peerDependencies), ...types]) {
    const link = join(folder, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(root, "node_modules", name), link, "junction");
  }
}

/** Installs the newest Node of a major version where git does not look, unless it is there. */
async function fetchNode(major: string): Promise<string> {
  const platform = `${process.platform.replace("win32", "win")}-${process.arch}`;
  const name = Object.keys(toolchain.optionalDependencies).find((each) => each.endsWith(platform))!;
  const prefix = join(root, ".cache", `node${major}`);
  const node = join(
    prefix,
    "node_modules",
    name,
    "bin",
    process.platform === "win32" ? "node.exe" : "node",
  );
  if (!existsSync(node)) {
    await succeeds(
      "npm",
      ["install", "--no-audit", "--no-fund", "--prefix", prefix, `${name}@${major}`],
      root,
    );
  }
  return node;
}

async function compiles(file: string, options: object): Promise<void> {
  const strictest = { module: "nodenext", target: "es2024", strict: true, skipLibCheck: false };
  const compilerOptions = { ...strictest, noEmit: true, ...options };
  const config = join(folder, `${file}.json`);
  writeFileSync(config, JSON.stringify({ compilerOptions, files: [file] }));
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  await succeeds(process.execPath, [compiler, "-p", config], folder);
}

/** What it prints. */
async function succeeds(command: string, args: readonly string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await start(command, args, cwd).ended;
  equal(code, 0, `${command} ${args.join(" ")}\n${stdout}${stderr}`);
  return stdout;
}
