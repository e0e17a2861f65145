export { openApi } from "./document.ts";
export type { OpenApiDocument, OpenApiTerms } from "./document.ts";
export { documentationPage } from "./page/page.ts";
export type { DocumentationPage } from "./page/page.ts";
