export { asyncApi } from "./document.ts";
export type { AsyncApiDocument, AsyncApiTerms } from "./document.ts";
export { importAsyncApi } from "./import/import-asyncapi.ts";
export type { ImportedAsyncApi, ImportedMessages } from "./import/import-asyncapi.ts";
export type { AsyncApiImportTerms } from "./import/plan.ts";
