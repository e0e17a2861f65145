// RabbitMQ itself at its own port: what does not pass with it is not asked of us.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freeRabbitmqPorts, rabbitmqAt, rabbitmqTool } from "../scripts/servers/rabbitmq.ts";
import { running } from "../scripts/servers/running.ts";

export interface BrokerUnderTest extends AsyncDisposable {
  readonly folder: string;
  readonly rabbitmqctl: string;
}

export async function rabbitmqUnderTest(): Promise<BrokerUnderTest> {
  const node = await running(rabbitmqAt("rabbit", { ...(await freeRabbitmqPorts()), amqp: 5_672 }));
  const { folder } = node;
  for (const words of [
    ["add_user", "guest", "guest"],
    ["set_user_tags", "guest", "administrator"],
    ["set_permissions", "guest", ".*", ".*", ".*"],
  ])
    rabbitmqTool(folder, "rabbitmqctl", ...words);
  const rabbitmqctl = join(folder, "rabbitmqctl");
  const line = `exec sh '${join(folder, "tool.sh")}' rabbitmqctl "$@"`;
  writeFileSync(rabbitmqctl, `#!/bin/sh\n${line}\n`, { mode: 0o755 });
  return { folder, rabbitmqctl, [Symbol.asyncDispose]: () => node[Symbol.asyncDispose]() };
}
