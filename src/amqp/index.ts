export { management, type ManagementOptions, type RunningManagement } from "./management/server.ts";
export { amqpServer, type AmqpServer, type AmqpServerOptions } from "./server.ts";
