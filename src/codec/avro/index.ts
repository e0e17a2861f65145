export { avro, avroSchemaOf, type AvroOptions, type AvroSchema } from "./avro.ts";
