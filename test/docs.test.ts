// Every TypeScript block of README and docs compiles, and every transcript shows the truth.
import { deepEqual, equal, ok } from "node:assert/strict";
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { pageOf, type Page } from "./markdown.ts";
import { fromSource, start, type Program } from "./program.ts";

const root = join(import.meta.dirname, "..");
const pages = ["README.md", ...globSync("docs/**/*.md", { cwd: root })]
  .filter((path) => existsSync(join(root, path)))
  .map((path) => pageOf(path, readFileSync(join(root, path), "utf8")));

// Inside the package, so that the blocks find `trunkline` by its name.
mkdirSync(join(root, ".cache"), { recursive: true });
const folder = mkdtempSync(join(root, ".cache/docs-"));
after(() => rmSync(folder, { recursive: true }));

for (const page of pages) {
  for (const [name, text] of page.files) {
    const path = join(folderOf(page), name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}

test("README shows a hello that runs", () => {
  const readme = pages.find(({ path }) => path === "README.md");
  ok(readme !== undefined && readme.files.size > 0, "README.md needs ```ts blocks");
  ok(readme.commands.length > 0, "README.md needs a ```console block; see CONTRIBUTING.md");
});

test("code blocks compile", async () => {
  const config = { extends: "../../tsconfig.json", include: ["**/*.ts"] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const { code, stdout } = await start(process.execPath, [compiler, "-p", "."], folder).ended;
  equal(code, 0, stdout);
});

for (const page of pages.filter(({ commands }) => commands.length > 0)) {
  test(`${page.path} prints what it shows`, async () => {
    const background: { program: Program; prints: string }[] = [];
    try {
      for (const command of page.commands) {
        const args = [...fromSource, command.file];
        const program = start(process.execPath, args, folderOf(page));
        const { prints } = command;
        if (command.background) {
          background.push({ program, prints });
          await program.printed(prints.length);
        } else {
          deepEqual(await program.ended, { code: 0, stdout: prints, stderr: "" });
        }
      }
      for (const { program, prints } of background) {
        program.kill("SIGTERM");
        deepEqual(await program.ended, { code: 0, stdout: prints, stderr: "" });
      }
    } finally {
      for (const { program } of background) program.kill("SIGKILL");
    }
  });
}

function folderOf(page: Page): string {
  return join(folder, page.path.replace(/\.md$/, ""));
}
