import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe } from "../contract/describe.ts";
import { schemaDocument } from "../contract/schema-document.ts";
import { didYouMean } from "./closest.ts";
import { UsageError, type Line } from "./command.ts";
import { loadContracts } from "./contract-module.ts";
import { contractsAt } from "./contract-sources.ts";
import { deadlineOf } from "./deadline.ts";
import { exitCodes } from "./exit-code.ts";
import { printJson } from "./terminal.ts";

const lockFile = "contracts.lock.json";

/** Writes down what the contracts of a module say, to compare later versions with. */
export async function contractLock(line: Line): Promise<number> {
  const { contracts } = await loadContracts(line.word(1, "MODULE"));
  line.atMost(2);
  const path = line.text("out") ?? lockFile;
  const text = `${JSON.stringify({ contracts: contracts.map((each) => describe(each)) }, null, 2)}\n`;
  const there = existsSync(path) ? readFileSync(path, "utf8") : undefined;
  const current = there === text;
  const { terminal } = line;
  if (!line.on("check") && !current) writeFileSync(path, text);
  const ok = current || !line.on("check");
  if (line.json) {
    await printJson(terminal, { ok, file: path, changed: !current });
  } else if (!line.on("check")) {
    await terminal.print(`${path} ${current ? "is as it was" : "is written"}\n`);
  } else {
    const wrong = there === undefined ? "does not exist" : "is not what the contracts say";
    await terminal.print(`${path} ${current ? "is up to date" : wrong}\n`);
  }
  return ok ? exitCodes.ok : exitCodes.found;
}

/** Prints a JSON Schema document for each contract, or for one. */
export async function contractSchema(line: Line): Promise<number> {
  const all = await contractsAt(line.word(1, "MODULE"), deadlineOf(line));
  const name = line.optionalWord(2);
  line.atMost(3);
  const named = all.filter((each) => name === undefined || each.name === name);
  const names = all.map((each) => each.name);
  if (named.length === 0)
    throw new UsageError(`there is no contract ${name}; ${didYouMean(name ?? "", names)}`);
  for (const each of named) {
    const document = schemaDocument(each);
    if (line.json) await printJson(line.terminal, document);
    else await line.terminal.print(`${JSON.stringify(document, null, 2)}\n`);
  }
  return exitCodes.ok;
}
