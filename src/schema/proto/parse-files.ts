import { create } from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  type FileDescriptorProto,
  type FileDescriptorSet,
} from "@bufbuild/protobuf/wkt";
import protobufjs from "protobufjs";
import { systemError } from "../../base/error.ts";
import { FileDescriber } from "./describe-file.ts";

/** Texts of .proto files by the paths under which they import each other. */
export type ProtoSources = Readonly<Record<string, string>>;

/** All files together: more than the largest public API has. */
const sourceCharsMax = 16 * 1_048_576;

const { Root, common } = protobufjs;
/** It keeps the name of the file that is read, for its messages; its types leave that out. */
const parse: typeof protobufjs.parse & { filename?: string | null } = protobufjs.parse;

/**
 * Reads .proto files (proto3) and what they import of Google's own.
 *
 * @throws TrunklineError INVALID_ARGUMENT that says which file, and what is wrong with it.
 */
export function parseFiles(sources: ProtoSources): FileDescriptorSet {
  const chars = Object.values(sources).reduce((sum, { length }) => sum + length, 0);
  if (chars > sourceCharsMax) throw refusal(`${chars} characters are too many: ${sourceCharsMax}`);
  const root = new Root();
  const done = new Set<string>();
  const files: { readonly path: string; readonly told: Parsed }[] = [];
  /** What nobody gave. Most files import what only describes them to others: it may not be needed. */
  const missing: string[] = [];
  const read = (path: string): void => {
    if (done.has(path)) return;
    done.add(path);
    const source = Object.hasOwn(sources, path) ? sources[path] : undefined;
    if (source !== undefined) {
      const told = parseOne(path, source, root);
      told.imports.forEach(read);
      files.push({ path, told }); // after those that it imports
      return;
    }
    const known = common.get(path);
    if (known?.nested === undefined) missing.push(path);
    else root.addJSON(known.nested);
  };
  Object.keys(sources).forEach(read);
  // Extensions describe files to others: no value of proto3 has any.
  root.deferred.length = 0;
  try {
    root.resolveAll();
  } catch (cause) {
    const told = missing.length === 0 ? "" : `; give the text of ${missing.join(", ")} too`;
    throw refusal(`${messageOf(cause)}${told}`, cause);
  }
  return create(FileDescriptorSetSchema, {
    file: files.map(({ path, told }) => describe(path, told, root)),
  });
}

interface Parsed {
  readonly package: string;
  /** `proto3`; what else is read only to see whether it is needed. */
  readonly syntax: string;
  readonly imports: readonly string[];
}

function parseOne(path: string, source: string, root: protobufjs.Root): Parsed {
  try {
    parse.filename = path;
    const told = parse(source, root, { keepCase: true, alternateCommentMode: true });
    return { package: told.package ?? "", syntax: syntaxOf(source), imports: told.imports ?? [] };
  } catch (cause) {
    throw refusal(`${path}: ${messageOf(cause)}`, cause);
  } finally {
    parse.filename = null;
  }
}

/** What the first statement says, which only comments can stand before. Each character is looked at once. */
function syntaxOf(source: string): string {
  const space = /\s+|\/\/[^\n]*|\/\*[^]*?\*\//y;
  let from = 0;
  while (space.test(source)) from = space.lastIndex;
  const statement = /(?:syntax|edition)\s*=\s*["'](\w+)["']/y;
  statement.lastIndex = from;
  return statement.exec(source)?.[1] ?? "proto2";
}

function describe(path: string, told: Parsed, root: protobufjs.Root): FileDescriptorProto {
  const file = create(FileDescriptorProtoSchema, {
    name: path,
    package: told.package,
    syntax: told.syntax,
    dependency: [...told.imports],
  });
  const space = told.package === "" ? root : root.lookup(told.package);
  const describer = new FileDescriber(file);
  if (space instanceof protobufjs.Namespace)
    for (const each of space.nestedArray) if (each.filename === path) describer.add(each);
  return file;
}

function refusal(reason: string, cause?: unknown): Error {
  return systemError("INVALID_ARGUMENT", `the .proto files cannot be used: ${reason}`, {
    executed: "no",
    cause,
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
