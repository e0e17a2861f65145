import { readFileSync } from "node:fs";
import { basename } from "node:path";
import type { JsonSchema } from "../base/contract-shape.ts";
import { isTrunklineError } from "../base/error.ts";
import { jsonSchemaOfAvro } from "../codec/avro/json-schema-of-avro.ts";
import type { AvroSchema } from "../codec/avro/payload-schema.ts";
import { literalText } from "../schema/literal-text.ts";
import { typeName } from "../schema/source-text.ts";
import { typeTexts } from "../schema/type-text.ts";
import { UsageError, type Line } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { writeOut } from "./openapi.ts";

/** Writes a module with a type and a schema for each named type of an Avro schema, to declare contracts with. */
export async function importAvro(line: Line): Promise<number> {
  const file = line.word(1, "FILE");
  line.atMost(2);
  const { $defs = {}, ...root } = schemaAt(file);
  const definitions = { ...($defs as Readonly<Record<string, JsonSchema>>) };
  // A list, say, has no name of its own: it goes by that of the file.
  if (root["$ref"] === undefined)
    definitions[typeName(basename(file).replace(/\.[a-z]+$/i, ""))] = root;
  const about = `Made by \`trunkline import avro ${basename(file)}\`: do not edit it, make it again.`;
  await writeOut(line, moduleText(definitions, about), {
    schemas: Object.keys(definitions).length,
  });
  return exitCodes.ok;
}

function schemaAt(file: string): JsonSchema {
  let schema: unknown;
  try {
    schema = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  try {
    return jsonSchemaOfAvro(schema as AvroSchema);
  } catch (error) {
    if (!isTrunklineError(error)) throw error;
    throw new UsageError(`${file}: ${error.reason}`, { cause: error });
  }
}

function moduleText(definitions: Readonly<Record<string, JsonSchema>>, about: string): string {
  const types = typeTexts(definitions);
  const schemas = Object.keys(definitions).map((definition) => {
    const name = types.name(definition);
    const reference = literalText({ $ref: `#/$defs/${definition}` });
    return `export const ${name} = jsonSchema<${name}>(${reference}, { definitions });\n`;
  });
  return `// ${about}
import { jsonSchema } from "trunkline/schema";

${types.declarations()}
const definitions = ${literalText(definitions)};

${schemas.join("\n")}`;
}
