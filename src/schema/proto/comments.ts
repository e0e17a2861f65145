import type {
  DescEnum,
  DescField,
  DescFile,
  DescMessage,
  DescMethod,
  DescService,
} from "@bufbuild/protobuf";

type Told = DescMessage | DescEnum | DescField | DescMethod | DescService;

/** Of one comment: it is a description, not a book. */
const commentCharsMax = 2_000;

/** What the file says before a part of it; undefined: nothing. */
export function commentOf(told: Told): string | undefined {
  const path = pathOf(told);
  const { location = [] } = fileOf(told).proto.sourceCodeInfo ?? {};
  const found = location.find(
    (each) => each.path.length === path.length && each.path.every((part, at) => part === path[at]),
  );
  const text = found?.leadingComments.trim().slice(0, commentCharsMax);
  return text === undefined || text === "" ? undefined : text;
}

function fileOf(told: Told): DescFile {
  return "file" in told ? told.file : told.parent.file;
}

/** Where a part stands in its file's descriptor: numbers of fields and indices in turn. */
function pathOf(told: Told): number[] {
  switch (told.kind) {
    case "rpc":
      return [
        6,
        told.parent.file.services.indexOf(told.parent),
        2,
        told.parent.methods.indexOf(told),
      ];
    case "service":
      return [6, told.file.services.indexOf(told)];
    case "field":
      return [...pathOf(told.parent), 2, told.parent.proto.field.indexOf(told.proto)];
    case "enum":
      return told.parent === undefined
        ? [5, told.file.proto.enumType.indexOf(told.proto)]
        : [...pathOf(told.parent), 4, told.parent.proto.enumType.indexOf(told.proto)];
    case "message":
      return told.parent === undefined
        ? [4, told.file.proto.messageType.indexOf(told.proto)]
        : [...pathOf(told.parent), 3, told.parent.proto.nestedType.indexOf(told.proto)];
  }
}
