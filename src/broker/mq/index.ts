export { mq, type MqBrokerOptions } from "./mq.ts";
