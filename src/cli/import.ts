import { didYouMean } from "./closest.ts";
import { UsageError, type Command, type Line } from "./command.ts";
import { importAsyncApi } from "./import-asyncapi.ts";
import { importAvro } from "./import-avro.ts";
import { importOpenApi } from "./import-openapi.ts";
import { importProto } from "./import-proto.ts";

/** What can be imported. Each is given what follows its name. */
const importers: Readonly<Record<string, (line: Line) => Promise<number>>> = {
  openapi: importOpenApi,
  asyncapi: importAsyncApi,
  proto: importProto,
  avro: importAvro,
};

/** Makes contracts of somebody else's files. */
export const importing: Command = {
  name: "import",
  summary: "make a contract, with its types, of somebody's file",
  usage: `${Object.keys(importers).join(" | ")} FILE [--out FILE]`,
  about: `Writes a TypeScript module that exports a contract for each service; of an
OpenAPI or AsyncAPI document one contract, and its bindings; of avro, which
knows no services, a schema for each type. What cannot be taken over is left
out, and told on standard error.`,
  options: {
    out: { value: "FILE", about: "write it there; default: standard output" },
    name: {
      value: "NAME",
      about: "openapi, asyncapi: the contract's; default: what the file says",
    },
    root: {
      value: "FOLDER",
      multiple: true,
      about: "proto: where imported files are; default: beside FILE, and here",
    },
  },
  words: Object.keys(importers),
  examples: [
    "import openapi petstore.json --out petstore.contract.ts",
    "import asyncapi streetlights.json --out streetlights.contract.ts",
    "import proto protos/demo/v1/greeter.proto --root protos --out greeter.contract.ts",
    "import avro shipment.avsc --out shipment.schemas.ts",
  ],
  run(line) {
    const what = line.word(0, "what to import");
    const importer = Object.hasOwn(importers, what) ? importers[what] : undefined;
    if (importer !== undefined) return importer(line);
    throw new UsageError(
      `"${what}" cannot be imported; ${didYouMean(what, Object.keys(importers))}`,
    );
  },
};
