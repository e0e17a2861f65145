// What the suite tells `rabbitmqctl`, told to our broker: a program in its folder passes the words on to this process.
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import type { AmqpServer } from "../src/amqp/server.ts";
import type { Node } from "../src/broker/embedded/node.ts";
import type { Settings } from "../src/broker/embedded/policy/settings.ts";

/** A broker that does what `rabbitmqctl` says. */
export interface Controlled {
  readonly node: Node;
  readonly server: AmqpServer;
  readonly alarms: { set(name: string, on: boolean): void };
  /** Channels of one connection, from the next start on; undefined: as many as there may be. */
  channelsMax: number | undefined;
  readonly rabbitmqctl: string;
  startApp(): Promise<void>;
  stopApp(): Promise<void>;
}

type Command = (broker: Controlled, words: readonly string[]) => string | Promise<string>;

const tabbed = "\t";

const commands: Readonly<Record<string, Command>> = {
  list_connections: ({ server }) =>
    [...server.clients]
      .map(({ id, opened, agreed }) => {
        const name = agreed?.clientProperties["connection_name"];
        const named = typeof name === "string" ? `[{"connection_name","${name}"}]` : "[]";
        return [id, opened.socket.remotePort, named].join(tabbed);
      })
      .join("\n"),
  close_connection({ server }, [id, why = ""]) {
    for (const client of [...server.clients]) if (client.id === id) client.close(why);
    return "";
  },
  close_all_connections({ server }, [why = ""]) {
    for (const client of [...server.clients]) client.close(why);
    return "";
  },
  delete_queue({ node }, [name = ""]) {
    node.host("/").deleteQueue(name);
    return "";
  },
  async add_user({ node }, [name = "", password = ""]) {
    await node.access.users.set(name, { password }, []);
    return "";
  },
  delete_user({ node }, [name = ""]) {
    node.access.removeUser(name);
    return "";
  },
  async set_user_tags({ node }, [name = "", ...tags]) {
    await node.access.users.set(name, {}, tags);
    return "";
  },
  add_vhost({ node }, [name = ""]) {
    node.addHost(name);
    return "";
  },
  delete_vhost({ node }, [name = ""]) {
    node.removeHost(name);
    return "";
  },
  set_permissions({ node }, words) {
    const [host, [user = "", configure = "", write = "", read = ""]] = inHost(words);
    node.access.permit({ user, host, configure, write, read });
    return "";
  },
  set_topic_permissions({ node }, words) {
    const [host, [user = "", exchange = "", write = "", read = ""]] = inHost(words);
    if (user !== "--help") node.access.permitTopic({ user, host, exchange, write, read });
    return "";
  },
  clear_topic_permissions({ node }, words) {
    const [host, [user = ""]] = inHost(words);
    node.access.permissions.removeTopic(user, host);
    return "";
  },
  set_policy({ node }, words) {
    const at = words.indexOf("--priority");
    const priority = at < 0 ? 0 : Number(words[at + 1]);
    const [name = "", pattern = "", json = "{}"] =
      at < 0 ? words : words.filter((_, index) => index !== at && index !== at + 1);
    const definition = JSON.parse(json) as Settings;
    const policy = { host: "/", name, pattern, priority, definition };
    node.policies.set({ ...policy, applyTo: "all", operator: false });
    return "";
  },
  clear_policy({ node }, [name = ""]) {
    node.policies.remove("/", name, false);
    return "";
  },
  async stop_app(broker) {
    await broker.stopApp();
    return "";
  },
  async start_app(broker) {
    await broker.startApp();
    return "";
  },
  set_vm_memory_high_watermark({ alarms }, [fraction = "0.4"]) {
    alarms.set("memory", Number(fraction) < 0.001);
    return "";
  },
  eval: (broker, [code = ""]) => evaluated(broker, code),
};

/** The few things that the suite has Erlang do. */
function evaluated(broker: Controlled, code: string): string {
  const alarm = /rabbit_alarm:(set|clear)_alarm\(\{+resource_limit, (\w+),/.exec(code);
  if (alarm !== null) {
    broker.alarms.set(alarm[2]!, alarm[1] === "set");
    return "ok";
  }
  const channels = /set_env\(rabbit, channel_max, (\d+)\)/.exec(code);
  if (channels !== null) {
    broker.channelsMax = Number(channels[1]) === 0 ? undefined : Number(channels[1]);
    return "ok";
  }
  throw new Error(`nobody here knows ${code}`);
}

function inHost(words: readonly string[]): [string, readonly string[]] {
  return words[0] === "-p" ? [words[1]!, words.slice(2)] : ["/", words];
}

/** Puts the program into the folder, and does what it is told until it is disposed of. */
export async function controlled(broker: Controlled, folder: string): Promise<AsyncDisposable> {
  const path = join(folder, "rabbitmqctl.sock");
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    void allOf(socket)
      .then((asked) => done(broker, JSON.parse(asked) as readonly string[]))
      .then(
        (out) => socket.end(JSON.stringify({ code: 0, out })),
        (error: unknown) => socket.end(JSON.stringify({ code: 1, out: String(error) })),
      );
  });
  server.listen(path);
  await once(server, "listening");
  const program = join(import.meta.dirname, "rabbitmqctl-words.ts");
  const line = `exec '${process.execPath}' --no-warnings '${program}' '${path}' "$@"`;
  writeFileSync(broker.rabbitmqctl, `#!/bin/sh\n${line}\n`, { mode: 0o755 });
  return {
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
    },
  };
}

/** What somebody says until they have said all; the answer can still be sent to them. */
async function allOf(socket: Socket): Promise<string> {
  let said = "";
  socket.setEncoding("utf8").on("data", (text: string) => (said += text));
  await once(socket, "end");
  return said;
}

/** `-n NODE COMMAND WORDS…` */
async function done(broker: Controlled, words: readonly string[]): Promise<string> {
  const rest = words[0] === "-n" ? words.slice(2) : words;
  const [name = "", ...more] = rest;
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) throw new Error(`rabbitmqctl ${name} is not known here`);
  return command(
    broker,
    more.filter((word) => word !== "-q"),
  );
}
