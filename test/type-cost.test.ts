// What contracts cost the compiler, measured in the repository's own TypeScript under its own options: many services,
// none with a type in common. Most of it is the schemas' own cost, so it is compared with the same schemas without Trunkline.
// What is measured is what a user's compiler reads, the declarations: the sources lead to all protocols and their libraries.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { operationsPerService, services, type Way } from "./type-cost/services.ts";

const servicesCount = 300;
const ratioMax = 2;
const memoryMbMax = 770;
/** Of a machine that does nothing else. Twice that is still no reason to doubt the types. */
const checkSecondsMax = 6;
const busy = 2;
/** What the schemas alone take on such a machine, in seconds. */
const resolvedSecondsUsual = 4;

interface Cost {
  readonly instantiations: number;
  readonly types: number;
  readonly memoryMb: number;
  readonly checkSeconds: number;
}

const root = join(import.meta.dirname, "..");
const compiler = join(root, "node_modules/typescript/bin/tsc");

const types = join(root, ".cache", "type-cost-declarations");

test(`the types of ${servicesCount} services with ${operationsPerService} operations each cost little more than their schemas`, (t) => {
  declare();
  const resolved = measure("resolved", t);
  const byHand = measure("byHand", t);
  const contract = measure("contract", t);
  measure("served", t);

  for (const unit of ["instantiations", "memoryMb", "checkSeconds"] as const) {
    const slack = unit === "checkSeconds" ? busy : 1;
    for (const [name, other] of [
      ["resolved", resolved],
      ["byHand", byHand],
    ] as const) {
      const ratio = contract[unit] / other[unit];
      t.diagnostic(`${unit}: contract is ${ratio.toFixed(2)} × ${name}`);
      assert.ok(ratio <= ratioMax * slack, `${unit}: ${ratio.toFixed(2)} × ${name}`);
    }
  }
  assert.ok(contract.memoryMb <= memoryMbMax, `${contract.memoryMb} MB`);
  // How busy the machine is shows in the schemas alone: what they take longer than usual is no fault of the contracts.
  const slower = Math.max(
    busy,
    resolved.checkSeconds / resolvedSecondsUsual,
    byHand.checkSeconds / resolvedSecondsUsual,
  );
  if (contract.checkSeconds > checkSecondsMax)
    t.diagnostic(`over ${checkSecondsMax} s, on a busy machine`);
  assert.ok(contract.checkSeconds <= checkSecondsMax * slower * busy, `${contract.checkSeconds} s`);
});

/** The declarations as they are published. */
function declare(): void {
  rmSync(types, { recursive: true, force: true });
  const args = [
    "-p",
    join(root, "tsconfig.build.json"),
    "--emitDeclarationOnly",
    "--outDir",
    types,
  ];
  const { status, stdout } = spawnSync(process.execPath, [compiler, ...args], { encoding: "utf8" });
  assert.equal(status, 0, stdout);
}

function measure(way: Way, t: TestContext): Cost {
  mkdirSync(join(root, ".cache"), { recursive: true });
  const folder = mkdtempSync(join(root, ".cache", "type-cost-"));
  try {
    for (const { name, text } of services(way, servicesCount)) {
      writeFileSync(join(folder, name), text);
    }
    const config = join(folder, "tsconfig.json");
    const paths = { trunkline: [join(types, "index.d.ts")] };
    const compilerOptions = { paths, customConditions: [] };
    const extended = { extends: "../../tsconfig.json", include: ["*.ts"], compilerOptions };
    writeFileSync(config, JSON.stringify(extended));
    const { stdout } = spawnSync(
      process.execPath,
      [compiler, "-p", config, "--pretty", "false", "--extendedDiagnostics"],
      { encoding: "utf8", maxBuffer: 64 << 20 },
    );
    assert.doesNotMatch(stdout, /error TS/);
    const figure = (name: string): number => {
      const found = new RegExp(`^${name}:\\s+([\\d.]+)`, "m").exec(stdout)?.[1];
      assert.ok(found !== undefined, `tsc gives no "${name}":\n${stdout.slice(-2000)}`);
      return Number(found);
    };
    const cost = {
      instantiations: figure("Instantiations"),
      types: figure("Types"),
      memoryMb: Math.round(figure("Memory used") / 1024),
      checkSeconds: figure("Check time"),
    };
    t.diagnostic(
      `${way.padEnd(9)} ${cost.instantiations} instantiations, ${cost.types} types, ${cost.memoryMb} MB, ${cost.checkSeconds} s`,
    );
    return cost;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
