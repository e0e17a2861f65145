export { openApi } from "./document.ts";
export type { OpenApiDocument, OpenApiTerms } from "./document.ts";
export { documentationPage } from "./page/page.ts";
export type { DocumentationPage } from "./page/page.ts";
export { importOpenApi } from "./import/import-openapi.ts";
export type { ImportedApi, ImportedContract } from "./import/import-openapi.ts";
export type { ImportTerms } from "./import/plan.ts";
