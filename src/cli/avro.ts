import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { isBytes, type ContractShape, type JsonSchema } from "../base/contract-shape.ts";
import { makeFoldersSync } from "../base/folders.ts";
import { avroSchemaOf, type AvroSchema } from "../codec/avro/payload-schema.ts";
import type { Part } from "../codec/format.ts";
import { describe } from "../contract/describe.ts";
import { UsageError, type Command } from "./command.ts";
import { loadContracts } from "./contract-module.ts";
import { exitCodes } from "./exit-code.ts";
import { printJson } from "./terminal.ts";

/** Writes the schemas of Avro that `avro()` writes the payloads of contracts with. */
export const avro: Command = {
  name: "avro",
  summary: "the Avro schemas of contracts: one for each payload",
  usage: "CONTRACT-MODULE [--out FOLDER]",
  about: `A module is loaded and run. Keep what it prints of a version: \`avro({
writers })\` of the next one reads with it what this one has written.`,
  options: {
    out: {
      value: "FOLDER",
      about: "a file for each, orders.place.in.avsc; default: all on stdout",
    },
  },
  examples: ["avro ./orders.contract.ts", "avro ./orders.contract.ts --out schemas"],
  async run(line) {
    const module = line.word(0, "CONTRACT-MODULE");
    line.atMost(1);
    const { contracts } = await loadContracts(module);
    const schemas = Object.assign(
      {},
      ...contracts.map((each) => schemasOf(describe(each))),
    ) as Schemas;
    const out = line.text("out");
    if (out === undefined) {
      if (line.json) await printJson(line.terminal, schemas);
      else await line.terminal.print(`${JSON.stringify(schemas, null, 2)}\n`);
      return exitCodes.ok;
    }
    const files = written(out, schemas);
    if (line.json) await printJson(line.terminal, { ok: true, written: files });
    else await line.terminal.print(files.map((file) => `${file} is written\n`).join(""));
    return exitCodes.ok;
  },
};

/** By `orders.place.in`, as the files are called. */
type Schemas = Readonly<Record<string, AvroSchema>>;

function schemasOf(contract: ContractShape): Schemas {
  const schemas: Record<string, AvroSchema> = {};
  for (const [operation, { head, in: input, out, errors = {} }] of Object.entries(
    contract.operations,
  )) {
    const parts: [part: Part, schema: JsonSchema | null | undefined][] = [
      ["head", head],
      ["in", input],
      ["out", out],
      ...Object.entries(errors).map(
        ([code, data]) => [`error ${code}`, data] as [Part, JsonSchema | null],
      ),
    ];
    for (const [part, schema] of parts)
      if (schema !== undefined && schema !== null && !isBytes(schema))
        schemas[`${contract.name}.${operation}.${part.replace(" ", ".")}`] = avroSchemaOf({
          contract,
          operation,
          part,
        });
  }
  return schemas;
}

function written(folder: string, schemas: Schemas): string[] {
  return Object.entries(schemas).map(([name, schema]) => {
    const path = join(folder, `${name}.avsc`);
    try {
      makeFoldersSync(folder, 0o777);
      writeFileSync(path, `${JSON.stringify(schema, null, 2)}\n`);
    } catch (error) {
      throw new UsageError(`${path} cannot be written: ${(error as Error).message}`, {
        cause: error,
      });
    }
    return path;
  });
}
