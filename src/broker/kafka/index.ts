export { kafka, type KafkaOptions } from "./kafka.ts";
export type { KafkaChannel } from "./native.ts";
