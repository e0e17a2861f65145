export { amqpServer, type AmqpServer, type AmqpServerOptions } from "./server.ts";
