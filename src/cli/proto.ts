import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeFoldersSync } from "../base/folders.ts";
import type { ProtoContract, ProtoDocument, ProtoLock } from "../codec/protobuf/index.ts";
import { info, type AnyContract } from "../contract/contract.ts";
import { describe } from "../contract/describe.ts";
import { loadContracts, type ContractModule } from "./contract-module.ts";
import { UsageError, type Command, type Line } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { withLibraries } from "./library.ts";
import { printJson } from "./terminal.ts";

/** Where the numbers are kept unless `--lock` says otherwise. */
const lockFile = "proto.lock.json";

/** Writes the .proto files of contracts, and keeps the numbers of their fields. */
export const proto: Command = {
  name: "proto",
  summary: "the .proto files of contracts; keeps the numbers of fields",
  usage: "CONTRACT-MODULE [--out FILE] [--lock FILE] [--check]",
  about: `A module is loaded and run. Commit the lock: it alone knows which number a field
has once another was added or removed. To keep the number of a field with a new
name, rename it there.`,
  options: {
    out: { value: "FILE", about: "a .proto file, or a folder for them; default: standard output" },
    lock: { value: "FILE", about: `the numbers; default ${lockFile}` },
    check: { about: "write nothing; fail (8) when something would change" },
  },
  examples: [
    "proto ./orders.contract.ts",
    "proto ./orders.contract.ts --out protos",
    "proto ./orders.contract.ts --out protos --check",
  ],
  async run(line) {
    const module = line.word(0, "CONTRACT-MODULE");
    line.atMost(1);
    const contracts = ownContracts(await loadContracts(module));
    if (contracts.length === 0)
      throw new UsageError(`the contracts of ${module} come from .proto files: those are theirs`);
    const { protoContract } = await withLibraries(
      () => import("../codec/protobuf/index.ts"),
      "@bufbuild/protobuf",
    );
    const lockPath = line.text("lock") ?? lockFile;
    const lock = lockAt(lockPath);
    const documents = contracts.map((each) => protoContract(describe(each), { lock }));
    const own = documents.map(({ contract, lock: numbers }) => [contract, numbers] as const);
    const next = { contracts: { ...lock.contracts, ...Object.fromEntries(own) } };
    const files = [
      ...protoFiles(line.text("out"), documents),
      { path: lockPath, text: `${JSON.stringify(sorted(next), null, 2)}\n` },
    ];
    return line.on("check") ? check(line, files) : write(line, files, documents);
  },
};

/** What was imported has names and numbers already, and the module exports them. */
function ownContracts({ contracts, exported }: ContractModule): readonly AnyContract[] {
  const imported = new Set(
    Object.values(exported)
      .flat()
      .flatMap((each) => (isProto(each) ? each.contract : [])),
  );
  return contracts.filter((each) => !imported.has(`${each[info].name}@${each[info].major}`));
}

function isProto(value: unknown): value is ProtoContract {
  return typeof value === "object" && value !== null && "contract" in value && "methods" in value;
}

interface Written {
  readonly path: string;
  readonly text: string;
}

function protoFiles(out: string | undefined, documents: readonly ProtoDocument[]): Written[] {
  if (out === undefined) return [];
  if (!out.endsWith(".proto"))
    return documents.map((each) => ({ path: join(out, each.file.name), text: each.text() }));
  const [only, ...others] = documents;
  if (others.length > 0)
    throw new UsageError(
      `${documents.length} contracts do not fit into ${out}: name a folder, and each gets a file in it`,
    );
  return [{ path: out, text: only!.text() }];
}

async function check(line: Line, files: readonly Written[]): Promise<number> {
  const wrong = files.filter((file) => !isCurrent(file)).map(({ path }) => path);
  const ok = wrong.length === 0;
  if (line.json) await printJson(line.terminal, { ok, changed: wrong });
  else {
    const told = wrong.map((path) => `${path} is not what the contracts say\n`);
    await line.terminal.print(ok ? "all is up to date\n" : told.join(""));
  }
  return ok ? exitCodes.ok : exitCodes.found;
}

async function write(
  line: Line,
  files: readonly Written[],
  documents: readonly ProtoDocument[],
): Promise<number> {
  const { terminal, json } = line;
  const changed = files.filter((file) => !isCurrent(file));
  for (const { path, text } of changed) {
    try {
      makeFoldersSync(dirname(path), 0o777);
      writeFileSync(path, text);
    } catch (error) {
      throw new UsageError(`${path} cannot be written: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
  const paths = changed.map(({ path }) => path);
  const print = line.text("out") === undefined;
  if (json) {
    const texts = print ? documents.map((each) => [each.file.name, each.text()] as const) : [];
    await printJson(terminal, { ok: true, written: paths, files: Object.fromEntries(texts) });
    return exitCodes.ok;
  }
  if (print) await terminal.print(documents.map((each) => each.text()).join("\n"));
  const told = paths.map((path) => `${path} is written\n`).join("");
  if (!print) await terminal.print(told === "" ? "all is up to date\n" : told);
  else terminal.tell(told);
  return exitCodes.ok;
}

function isCurrent({ path, text }: Written): boolean {
  return existsSync(path) && readFileSync(path, "utf8") === text;
}

function lockAt(path: string): ProtoLock {
  if (!existsSync(path)) return { contracts: {} };
  let lock: unknown;
  try {
    lock = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  if (typeof lock !== "object" || lock === null || !("contracts" in lock))
    throw new UsageError(`${path} is no lock of numbers: trunkline proto writes one`);
  return lock as ProtoLock;
}

function sorted({ contracts }: ProtoLock): ProtoLock {
  const entries = Object.entries(contracts).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { contracts: Object.fromEntries(entries) };
}
