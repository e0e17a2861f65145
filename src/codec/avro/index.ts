export { avro, type AvroOptions } from "./avro.ts";
export { jsonSchemaOfAvro } from "./json-schema-of-avro.ts";
export { avroSchemaOf, type AvroSchema } from "./payload-schema.ts";
