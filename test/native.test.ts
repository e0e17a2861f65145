// The addon of native/ as it is brought: made of these sources, loadable by every libc, and no failure where it cannot be had.
import { equal, match, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { suite, test } from "node:test";
import {
  compile,
  compilerHere,
  headersHere,
  isCurrent,
  prebuiltAddon,
} from "../scripts/native/addon.ts";

const root = join(import.meta.dirname, "..");
const noCompiler = compilerHere() === undefined || headersHere() === undefined;

suite("the addon that the package brings", { skip: !existsSync(prebuiltAddon) }, () => {
  test("was made of the sources as they are", () => {
    ok(isCurrent(prebuiltAddon), "npm run native -- prebuild makes it anew");
  });

  test("asks for no library and no version of a symbol, so that any libc will do", (t) => {
    const { status, stdout } = spawnSync("readelf", ["-dVW", prebuiltAddon], { encoding: "utf8" });
    if (status !== 0) return t.skip("there is no readelf");
    equal(/NEEDED|GLIBC_/.exec(stdout)?.[0], undefined);
    match(stdout, /No version information found/);
  });

  test("calls nothing that glibc 2.28, the oldest that Node 24 runs with, has not by that name", (t) => {
    const { status, stdout } = spawnSync("readelf", ["--dyn-syms", "-W", prebuiltAddon], {
      encoding: "utf8",
    });
    if (status !== 0) return t.skip("there is no readelf");
    const newer = [
      "fstat",
      "stat",
      "lstat",
      "fstat64",
      "fcntl64",
      "mq_open",
      "mq_send",
      "mq_receive",
      "mq_unlink",
      "mq_getattr",
      "pthread_create",
      "dlopen",
      "close_range",
      "__isoc23_strtol",
      "arc4random",
    ];
    const called = Array.from(stdout.matchAll(/ UND (\w+)/g), ([, name]) => name!);
    ok(called.includes("mmap"));
    equal(newer.filter((name) => called.includes(name)).join(), "");
  });
});

suite(
  "the addon where JavaScript sees no memory but its own",
  { skip: noCompiler && "there is no C compiler" },
  () => {
    test("is a problem that is told, and no failure", (t) => {
      const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
      t.after(() => rmSync(folder, { recursive: true }));
      const module = join(folder, "src/os/addon.ts");
      mkdirSync(dirname(module), { recursive: true });
      writeFileSync(join(folder, "package.json"), `{ "type": "module" }`);
      copyFileSync(join(root, "src/os/addon.ts"), module);
      // Electron's Node-API answers so.
      const refusal = join(folder, "refusal.h");
      writeFileSync(
        refusal,
        `#include <node_api.h>
       static inline napi_status none_external(void) { return napi_no_external_buffers_allowed; }
       #define napi_create_external_arraybuffer(...) none_external()`,
      );
      const flags = ["-DNAPI_VERSION=8", "-include", refusal, "-Wno-unused-function"];
      equal(compile({ to: join(folder, "native/build/trunkline.node"), flags }), undefined);
      const text = `const { addon, addonProblem } = await import(${JSON.stringify(module)});
      console.log(addon(), addonProblem());`;
      const { stdout, stderr } = spawnSync(
        process.execPath,
        ["--input-type=module", "--eval", text],
        { encoding: "utf8" },
      );
      match(stdout, /^undefined ENOTSUP: .*napi_create_external_arraybuffer$/m, stderr);
    });
  },
);
