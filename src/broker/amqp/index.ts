export { amqp, type AmqpOptions } from "./amqp.ts";
export type { AmqpTls } from "./link.ts";
export type { AmqpBinding, AmqpChannel, AmqpSource } from "./native.ts";
