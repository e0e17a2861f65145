export { mq, type MqOptions } from "./mq.ts";
