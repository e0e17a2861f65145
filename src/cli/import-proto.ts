import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { isTrunklineError } from "../base/error.ts";
import { UsageError, type Line } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { withLibraries } from "./library.ts";
import { writeOut } from "./openapi.ts";

/** Descriptor sets, as `buf build` and `protoc` call them. */
const binary = /\.(binpb|bin|pb|desc|protoset)$/;

/** Writes a module of the contracts in a .proto file. */
export async function importProto(line: Line): Promise<number> {
  const file = line.word(1, "FILE");
  line.atMost(2);
  const { filesOf, moduleText } = await withLibraries(async () => {
    const [{ filesOf: read }, { moduleText: text }] = await Promise.all([
      import("../schema/proto/import-proto.ts"),
      import("../schema/proto/module-text.ts"),
    ]);
    return { filesOf: read, moduleText: text };
  }, "@bufbuild/protobuf protobufjs ajv ajv-formats");
  const source = binary.test(file) ? readAt(file) : sourcesOf(file, [...line.texts("root")]);
  const files = usable(() => filesOf(source));
  const { services } = files;
  if (services.length === 0)
    throw new UsageError(`${file} declares no service: there is nothing to make a contract of`);
  const about = `Made by \`trunkline import proto ${basename(file)}\`: do not edit it, make it again.`;
  await writeOut(line, moduleText(files, about), { contracts: services.length });
  return exitCodes.ok;
}

/** A file that cannot be used is a mistake of the command line. */
function usable<Made>(make: () => Made): Made {
  try {
    return make();
  } catch (error) {
    if (!isTrunklineError(error)) throw error;
    throw new UsageError(error.reason, { cause: error });
  }
}

/** The file and all that it imports, by the paths under which they do. Google's own files need not be there. */
function sourcesOf(file: string, given: readonly string[]): Record<string, string> {
  const roots = [...given, dirname(file), "."].map((root) => resolve(root));
  const sources: Record<string, string> = {};
  const root = roots.slice(0, given.length).find((each) => resolve(file).startsWith(each + sep));
  const path = root === undefined ? basename(file) : relative(root, resolve(file));
  const open = [{ path: path.replaceAll(sep, "/"), at: resolve(file) }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (Object.hasOwn(sources, next.path)) continue;
    const text = readAt(next.at).toString("utf8");
    sources[next.path] = text;
    for (const [, imported = ""] of text.replaceAll(comments, "").matchAll(imports)) {
      const at = roots.map((each) => join(each, imported)).find((each) => existsSync(each));
      // What is missing may not be needed; if it is, that is told with the type that nobody declares.
      if (at !== undefined && !imported.startsWith("google/protobuf/"))
        open.push({ path: imported, at });
    }
  }
  return sources;
}

const comments = /\/\*[^]*?\*\/|\/\/[^\n]*/g;
const imports = /(?:^|;)\s*import\s+(?:public\s+|weak\s+)?["']([^"']+)["']\s*;/gm;

function readAt(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
