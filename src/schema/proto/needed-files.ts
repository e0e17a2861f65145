import type { DescriptorProto, FileDescriptorProto } from "@bufbuild/protobuf/wkt";
import { wellKnownFile } from "../../codec/protobuf/fields.ts";

/**
 * The files with what describes values and methods, and nothing else: options of others, and the files that are imported for
 * them, change no byte on the wire.
 */
export function neededFiles(files: readonly FileDescriptorProto[]): FileDescriptorProto[] {
  const origins = new Map<string, FileDescriptorProto>();
  for (const file of files) for (const name of declared(file)) origins.set(name, file);
  for (const file of files) {
    const used = typesIn(file).flatMap((name) => pathOf(name.slice(1), origins) ?? []);
    file.dependency = [...new Set(used)].filter((path) => path !== file.name);
    file.publicDependency = [];
    file.weakDependency = [];
    file.extension = [];
    for (const message of file.messageType) withoutExtensions(message);
  }
  const needed = new Set<FileDescriptorProto>();
  const byPath = new Map(files.map((file) => [file.name, file]));
  const need = (file: FileDescriptorProto | undefined): void => {
    if (file === undefined || needed.has(file)) return;
    for (const path of file.dependency) need(byPath.get(path));
    needed.add(file); // after those that it needs
  };
  for (const file of files) if (file.service.length > 0) need(file);
  return [...needed];
}

/** Where a type is declared; Google's own need not be among the files. */
function pathOf(
  typeName: string,
  origins: ReadonlyMap<string, FileDescriptorProto>,
): string | undefined {
  const [, wellKnown] = /^google\.protobuf\.(\w+)$/.exec(typeName) ?? [];
  return wellKnown === undefined
    ? origins.get(typeName)?.name
    : (wellKnownFile(wellKnown) ?? origins.get(typeName)?.name);
}

function declared({ package: space, messageType, enumType }: FileDescriptorProto): string[] {
  const prefix = space === "" ? "" : `${space}.`;
  return [...enumType, ...messageType].flatMap((each) =>
    "field" in each ? declaredIn(each, prefix) : prefix + each.name,
  );
}

function declaredIn({ name, nestedType, enumType }: DescriptorProto, prefix: string): string[] {
  const own = prefix + name;
  const enums = enumType.map((each) => `${own}.${each.name}`);
  return [own, ...enums, ...nestedType.flatMap((each) => declaredIn(each, `${own}.`))];
}

function typesIn({ messageType, service }: FileDescriptorProto): string[] {
  const methods = service.flatMap(({ method }) => method);
  return [
    ...messageType.flatMap(typesOf),
    ...methods.flatMap(({ inputType, outputType }) => [inputType, outputType]),
  ];
}

function typesOf({ field, nestedType }: DescriptorProto): string[] {
  const own = field.flatMap(({ typeName }) => (typeName === "" ? [] : typeName));
  return [...own, ...nestedType.flatMap(typesOf)];
}

function withoutExtensions(message: DescriptorProto): void {
  message.extension = [];
  message.nestedType.forEach(withoutExtensions);
}
