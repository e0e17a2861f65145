// The files in test/types/ hold code that must not compile. `tsc` over the repository sees that each marked line
// has an error; here each has to be the one that is written beside the mark, for it is read by people.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { after, suite, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = join(import.meta.dirname, "..");
const fixtures: readonly string[] = [
  import.meta.resolve("./types/calling.ts"),
  import.meta.resolve("./types/converting.ts"),
  import.meta.resolve("./types/declaring.ts"),
  import.meta.resolve("./types/messages.ts"),
  import.meta.resolve("./types/orders.ts"),
  import.meta.resolve("./types/right.ts"),
  import.meta.resolve("./types/serving.ts"),
].map((url) => fileURLToPath(url));

interface Expectation {
  readonly file: string;
  /** The line after the mark. */
  readonly line: number;
  message: string;
}

suite("what must not compile is explained", () => {
  mkdirSync(join(root, ".cache"), { recursive: true });
  const folder = mkdtempSync(join(root, ".cache", "types-"));
  after(() => rmSync(folder, { recursive: true }));

  const expected = fixtures.flatMap((file) => copyUnmarked(file, folder));
  const actual = compile(folder);

  for (const { file, line, message } of expected) {
    test(`${file}:${line} ${message}`, () => {
      const there = actual.filter((error) => error.file === file && error.line === line);
      assert.ok(
        there.some((error) => error.message.includes(message)),
        `the compiler says\n${there.map((error) => error.message).join("\n") || "nothing"}\nwithout\n${message}`,
      );
    });
  }

  test("nothing else is an error", () => {
    const unexpected = actual.filter(({ file, line }) =>
      expected.every((error) => error.file !== file || error.line !== line),
    );
    assert.deepEqual(unexpected, []);
  });

  test("the declarations of a contract name what is public, so that it can be published by itself", () => {
    const declared = join(folder, "declared", relative(root, folder), "orders.d.ts");
    const names = readFileSync(declared, "utf8").match(/import\("[^"]+"\)\.\w+/g) ?? [];
    assert.deepEqual(
      [...new Set(names)].toSorted(),
      [
        "CallOperation",
        "Contract",
        "DuplexOperation",
        "NoErrors",
        "NotificationOperation",
        "StreamOperation",
        "UploadOperation",
      ].map((name) => `import("trunkline/contract").${name}`),
    );
  });
});

/** Copies a fixture without its marks, so that the compiler tells its errors, and returns what was marked. */
function copyUnmarked(path: string, folder: string): Expectation[] {
  const file = basename(path);
  const mark = /^\s*\/\/ @ts-expect-error /;
  const lines = readFileSync(path, "utf8").split("\n");
  writeFileSync(join(folder, file), lines.map((line) => line.replace(mark, "// ")).join("\n"));
  return lines.flatMap((line, index) =>
    mark.test(line) ? [{ file, line: index + 2, message: line.replace(mark, "").trim() }] : [],
  );
}

function compile(folder: string): Expectation[] {
  const config = join(folder, "tsconfig.json");
  writeFileSync(
    config,
    JSON.stringify({
      extends: "../../tsconfig.json",
      compilerOptions: {
        noEmit: false,
        declaration: true,
        emitDeclarationOnly: true,
        rootDir: root,
        outDir: "declared",
      },
      include: ["*.ts"],
    }),
  );
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const { stdout } = spawnSync(process.execPath, [tsc, "-p", config, "--pretty", "false"], {
    cwd: folder,
    encoding: "utf8",
  });
  const errors: Expectation[] = [];
  for (const line of stdout.split("\n")) {
    const head = /^(\S+?)\((\d+),\d+\): error TS\d+: (.*)$/.exec(line);
    if (head !== null) errors.push({ file: head[1]!, line: Number(head[2]), message: head[3]! });
    // What explains an error is indented below it.
    const last = errors.at(-1);
    if (line.startsWith(" ") && last !== undefined) last.message += `\n${line}`;
  }
  return errors;
}
