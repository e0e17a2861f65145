// Each rule complains about the bad sample and not about the good one: none passes by seeing nothing.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { suite, test } from "node:test";
import { linesMax } from "./layers.ts";
import { rules } from "./rules.ts";
import { codeOf, treeOf } from "./tree.ts";

type Files = Readonly<Record<string, string>>;

interface Sample {
  readonly bad: Files;
  readonly says: RegExp;
  readonly good: Files;
}

const samples: Readonly<Record<string, readonly Sample[]>> = {
  "imports point down the layers": [
    {
      bad: { "src/base/a.ts": `import { b } from "../call/b.ts";` },
      says: /base\/a\.ts imports src\/call\/b\.ts, which is in no lower layer/,
      good: { "src/call/b.ts": `import { a } from "../base/a.ts";` },
    },
    {
      bad: { "src/base/a.ts": `import type {\n  B,\n} from "../call/b.ts";` },
      says: /base\/a\.ts imports/,
      good: { "src/base/a.ts": `// import type { B } from "../call/b.ts";` },
    },
    {
      bad: { "src/base/a.test.ts": `export * from "../testing/index.ts";` },
      says: /a\.test\.ts imports/,
      good: { "src/testing/a.test.ts": `export * from "../base/index.ts";` },
    },
    {
      bad: { "src/call/a.ts": `const b = await import("../chassis/b.ts");` },
      says: /call\/a\.ts imports/,
      good: { "src/call/a.ts": `const b = 'import("../chassis/b.ts")';` },
    },
    {
      bad: { "src/transport/unix/a.ts": `import { b } from "../../discovery/b.ts";` },
      says: /in no lower layer/,
      good: { "src/transport/unix/a.ts": `import { b } from "../framed.ts";` },
    },
    {
      bad: { "src/call/a.ts": `import { b } from "../index.ts";` },
      says: /in no lower layer/,
      good: { "src/index.ts": `export { a } from "./call/a.ts";` },
    },
    {
      bad: { "src/base/a.ts": `import { b } from "../../test/b.ts";` },
      says: /stands alone/,
      good: { "test/b.ts": `import { c } from "./c.ts";` },
    },
    {
      bad: { "src/stuff/a.ts": "" },
      says: /in no layer; add it/,
      good: { "src/base/a.ts": "" },
    },
  ],
  "what is beside src imports trunkline by name": [
    {
      bad: { "examples/01-a/main.ts": `import { a } from "../../src/index.ts";` },
      says: /as a user would/,
      good: {
        "examples/01-a/main.ts": `import { a } from "trunkline"; import b from "./b.ts";`,
        "bench/main.ts": `import { a } from "../src/wire/a.ts";`,
      },
    },
  ],
  "imports of files carry their ending": [
    {
      bad: { "src/base/a.ts": `import { b } from "./b";` },
      says: /"\.\/b"; write/,
      good: { "src/base/a.ts": `import { b } from "./b.ts"; import z from "zod";` },
    },
    {
      bad: { "demo/a.ts": `export { b } from "./b.js";` },
      says: /"\.\/b\.js"; write/,
      good: { "demo/a.ts": `const text = \`import "./b.js"\`;` },
    },
  ],
  "files are short": [
    {
      bad: { "demo/a.ts": "\n".repeat(linesMax + 1) },
      says: /has 501 lines; split/,
      good: { "demo/a.ts": "\n".repeat(linesMax) },
    },
  ],
  "names say what a thing holds": [
    {
      bad: { "src/base/utils.ts": "" },
      says: /not "utils"/,
      good: { "src/base/utilization.ts": "" },
    },
    {
      bad: { "demo/test-helpers/a.ts": "" },
      says: /not "helpers"/,
      good: { "src/wire/simplify.ts": "", "src/wire/uncommon.md": "" },
    },
  ],
  "time, randomness and the process come in from base": [
    ...[
      "Date.now()",
      "new Date()",
      "performance.now()",
      "setTimeout(f, 1)",
      "queueMicrotask(f)",
      "AbortSignal.timeout(1)",
      "process.nextTick(f)",
      "Math.random()",
      "crypto.randomUUID()",
      "process.env.HOME",
      "`${process.pid}`",
    ].map((use) => ({
      bad: { "src/call/a.ts": `const a = ${use};` },
      says: /call\/a\.ts uses /,
      good: { "src/base/a.ts": `const a = ${use};`, "src/call/a.ts": `// ${use}\nf("${use}");` },
    })),
    {
      bad: { "src/call/a.ts": `import { setTimeout } from "node:timers/promises";` },
      says: /timers\/promises; set an `Alarm`/,
      good: { "src/call/a.test.ts": `import { setTimeout } from "node:timers/promises";` },
    },
    {
      bad: { "src/chassis/signals.ts": `Math.random();` },
      says: /uses Math\.random/,
      good: { "src/chassis/signals.ts": `process.on("SIGTERM", stop);` },
    },
    {
      bad: { "src/chassis/signals.ts": `stop();` },
      says: /needs no process any more/,
      good: { "src/chassis/a.ts": `const a = this.process.start(subprocess.pid);` },
    },
  ],
  "the contract runs in a browser": [
    {
      bad: { "src/contract/a.ts": `import { hash } from "node:crypto";` },
      says: /contract\/a\.ts runs in a browser, but imports node:crypto/,
      good: { "src/contract/a.test.ts": `import { test } from "node:test";` },
    },
    {
      bad: {
        "src/base/error.ts": `import { b } from "./b.ts";`,
        "src/base/b.ts": `export const b = Buffer.alloc(1);`,
      },
      says: /error\.ts → src\/base\/b\.ts runs in a browser, but names Buffer/,
      good: { "src/base/b.ts": `export const b = Buffer.alloc(1);` },
    },
  ],
  "the root reaches no library that its user did not ask for": [
    {
      bad: {
        "src/index.ts": `export { a } from "./call/a.ts";`,
        "src/call/a.ts": `import type { Redis } from "ioredis";`,
      },
      says: /index\.ts → src\/call\/a\.ts imports ioredis; move/,
      good: {
        "src/index.ts": `export { a } from "./call/a.ts";`,
        "src/call/a.ts": `import { connect } from "node:net"; const a = () => import("ioredis");`,
        "src/call/b.ts": `import type { Redis } from "ioredis";`,
      },
    },
  ],
  "every implementation of a port runs its suite": [
    {
      bad: { "src/transport/unix/index.ts": "" },
      says: /let src\/transport\/unix\/conformance\.test\.ts run transportCases/,
      good: {
        "src/transport/unix/index.ts": "",
        "src/transport/unix/conformance.test.ts": `register(transportCases(unix));`,
      },
    },
    {
      bad: {
        "src/protocol/rsocket/index.ts": "",
        "src/protocol/rsocket/conformance.test.ts": `// protocolCases()`,
      },
      says: /run protocolCases/,
      good: { "src/chassis/presets/index.ts": "" },
    },
  ],
  "every example has its expected output": [
    {
      bad: { "examples/01-hello/main.ts": "" },
      says: /expected\.txt is missing/,
      good: { "examples/01-hello/main.ts": "", "examples/01-hello/expected.txt": "" },
    },
    {
      bad: { "examples/hello/main.ts": "", "examples/hello/expected.txt": "" },
      says: /call it NN-name/,
      good: { "examples/README.md": "" },
    },
  ],
};

for (const [name, rule] of Object.entries(rules)) {
  suite(name, () => {
    test("has a sample", () => ok((samples[name] ?? []).length > 0));
    for (const { bad, says, good } of samples[name] ?? []) {
      test(`complains about ${JSON.stringify(bad).slice(0, 80)}`, () => {
        match(rule(treeOf(bad)).join("\n"), says);
        deepEqual(rule(treeOf(good)), []);
      });
    }
  });
}

suite("the code of a text", () => {
  const cases: readonly [text: string, code: string][] = [
    [`a // b\nc`, `a     \nc`],
    [`a /* b\nc */ d`, `a     \n     d`],
    [`f("a\\"b", 'c')`, `f("    ", ' ')`],
    ["`a${b}c${`d${e}`}f` + g", "` ${b} ${` ${e}`} ` + g"],
    ["`a${{ b: `}` }}c`; d", "` ${{ b: ` ` }} `; d"],
    [`x.replace(/["'\`]/g, y) // z`, `x.replace(        , y)     `],
    [`a / b / c; (d) / "e"`, `a / b / c; (d) / " "`],
    [`"https://a"; b`, `"         "; b`],
  ];
  for (const [text, code] of cases) {
    test(JSON.stringify(text), () => equal(codeOf(text), code));
  }
});
