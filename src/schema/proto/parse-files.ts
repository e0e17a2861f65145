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
  const read = (path: string, importer: string | undefined): void => {
    if (done.has(path)) return;
    done.add(path);
    const source = Object.hasOwn(sources, path) ? sources[path] : undefined;
    if (source !== undefined) {
      const told = parseOne(path, source, root);
      for (const each of told.imports) read(each, path);
      files.push({ path, told }); // after those that it imports
      return;
    }
    const known = common.get(path);
    if (known?.nested === undefined)
      throw refusal(`${importer} imports ${path}: give its text too`);
    root.addJSON(known.nested);
  };
  for (const path of Object.keys(sources)) read(path, undefined);
  try {
    root.resolveAll();
  } catch (cause) {
    throw refusal(messageOf(cause), cause);
  }
  return create(FileDescriptorSetSchema, {
    file: files.map(({ path, told }) => describe(path, told, root)),
  });
}

interface Parsed {
  readonly package: string;
  readonly imports: readonly string[];
}

function parseOne(path: string, source: string, root: protobufjs.Root): Parsed {
  const [, syntax] =
    /^\s*(?:\/\/[^\n]*\n\s*|\/\*[\s\S]*?\*\/\s*)*syntax\s*=\s*["'](\w+)["']/.exec(source) ?? [];
  if (syntax !== "proto3")
    throw refusal(`${path} is not proto3 (syntax = "proto3"): other versions are not read`);
  try {
    parse.filename = path;
    const told = parse(source, root, { keepCase: true, alternateCommentMode: true });
    return { package: told.package ?? "", imports: told.imports ?? [] };
  } catch (cause) {
    throw refusal(`${path}: ${messageOf(cause)}`, cause);
  } finally {
    parse.filename = null;
  }
}

function describe(path: string, told: Parsed, root: protobufjs.Root): FileDescriptorProto {
  const file = create(FileDescriptorProtoSchema, {
    name: path,
    package: told.package,
    syntax: "proto3",
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
