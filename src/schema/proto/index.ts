export { importProto } from "./import-proto.ts";
export type { ImportedProto } from "./import-proto.ts";
export type { ProtoSources } from "./parse-files.ts";
export { protoFiles } from "./proto-files.ts";
export type { ProtoFiles, Sent } from "./proto-files.ts";
