export { jsonSchema } from "./json-schema.ts";
export type { JsonSchemaTerms } from "./json-schema.ts";
export type { JsonSchemaDialect } from "./dialect.ts";
