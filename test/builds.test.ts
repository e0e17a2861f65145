// Old and new builds of a contract talk to each other, in processes of their own: what `compareContracts` says of each
// operation and direction is what happens.
import { deepEqual, equal, ok } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { compareContracts, describe } from "trunkline/contract";
import { New, Old } from "./builds/contracts.ts";
import { fromSource, start, type Program } from "./program.ts";

type Build = "old" | "new";
type Outcomes = Readonly<Record<string, Readonly<Record<string, string>>>>;

const { findings } = compareContracts(describe(Old), describe(New));

/** Operations that break where a client of one build asks a server of the other. */
function breaking(asker: Build): ReadonlySet<string> {
  const direction = asker === "old" ? "oldClientNewServer" : "newClientOldServer";
  return new Set(findings.flatMap((each) => (each[direction] === "ok" ? [] : [each.operation!])));
}

suite("old and new builds", () => {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-builds-"));
  const program = (file: string, ...words: string[]): Program =>
    start(
      process.execPath,
      [...fromSource, join(import.meta.dirname, "builds", file), ...words],
      folder,
    );
  const servers = new Map<
    Build,
    { readonly program: Program; readonly addresses: readonly string[] }
  >();

  before(async () => {
    for (const build of ["old", "new"] as const) {
      const serving = program(
        "server.ts",
        build,
        `unix:${folder}/${build}.sock`,
        "http://127.0.0.1:0",
      );
      const line = await serving.line();
      servers.set(build, { program: serving, addresses: JSON.parse(line) as string[] });
    }
  });
  after(async () => {
    for (const { program: serving } of servers.values()) {
      serving.kill("SIGTERM");
      await serving.ended;
    }
    rmSync(folder, { recursive: true });
  });

  async function asked(asker: Build, server: Build): Promise<Outcomes> {
    const { code, stdout, stderr } = await program(
      "client.ts",
      asker,
      ...servers.get(server)!.addresses,
    ).ended;
    equal(code, 0, stderr);
    return JSON.parse(stdout) as Outcomes;
  }

  for (const [asker, server] of [
    ["old", "new"],
    ["new", "old"],
  ] as const) {
    test(`a client of the ${asker} build and a server of the ${server} one understand each other where that was said`, async (t) => {
      const outcomes = await asked(asker, server);
      const expected = breaking(asker);
      equal(Object.keys(outcomes).length, 12);
      for (const [way, outcome] of Object.entries(outcomes)) {
        const failed = Object.entries(outcome).filter(([, code]) => code !== "ok");
        t.diagnostic(`${way}: ${failed.map(([name, code]) => `${name} ${code}`).join(", ")}`);
        for (const [name, code] of failed) ok(expected.has(name), `${way}: ${name} ${code}`);
        // Protobuf reads what is not there as its zero value: what JSON misses it may take for 0.
        if (way.endsWith("protobuf")) continue;
        deepEqual(
          failed.map(([name]) => name).toSorted(),
          [...expected].filter((name) => Object.hasOwn(outcome, name)).toSorted(),
          way,
        );
      }
    });
  }

  test("builds that are the same understand each other in everything", async () => {
    for (const build of ["old", "new"] as const)
      for (const [way, outcome] of Object.entries(await asked(build, build)))
        deepEqual(
          Object.entries(outcome).filter(([, code]) => code !== "ok"),
          [],
          way,
        );
  });
});
