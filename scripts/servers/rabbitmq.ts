import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "./for-tests.ts";
import type { Server } from "./server.ts";

/** Who may in, as an administrator, in the virtual host `/`. */
export const rabbitmqUser: { readonly name: string; readonly password: string } = {
  name: "it",
  password: "it",
};

/** The ports of one node, all on 127.0.0.1. */
export interface RabbitmqPorts {
  readonly amqp: number;
  readonly amqps: number;
  readonly management: number;
  /** By what the nodes of a cluster, and `rabbitmqctl`, speak with it. */
  readonly distribution: number;
  /** Where nodes find each other: an epmd of its own, which starts and ends with the node. */
  readonly epmd: number;
}

/** What another version of the same server needs. */
export interface RabbitmqMake {
  /** The folder of its scripts. */
  readonly scripts: string;
  /** What stands before each command: how to get into the root that it is installed in. */
  readonly into: readonly string[];
  readonly packages: readonly string[];
  /** What is there when it is installed. */
  readonly program: string;
  bring?(): string | undefined;
}

const debian: RabbitmqMake = {
  scripts: "/usr/lib/rabbitmq/bin",
  into: [],
  packages: ["rabbitmq-server", "openssl"],
  program: "/usr/lib/rabbitmq/bin/rabbitmq-server",
};

/** RabbitMQ as it comes with Debian: AMQP 0-9-1 at 25672, with TLS at 25671, and its management at 25692. */
export const rabbitmq: Server = rabbitmqAt("rabbitmq", {
  ...{ amqp: 25_672, amqps: 25_671, management: 25_692, distribution: 25_673, epmd: 24_369 },
});

/** The address of that one, as `--broker rabbitmq` means it. */
export const rabbitmqAddress: string = `amqp://${rabbitmqUser.name}:${rabbitmqUser.password}@127.0.0.1:${rabbitmq.port}`;

/** The same elsewhere. `epmd: "shared"`: one that somebody else has started, as the nodes of a cluster need it. */
export function rabbitmqAt(
  name: string,
  ports: RabbitmqPorts,
  more: {
    readonly make?: RabbitmqMake;
    readonly epmd?: "shared";
    readonly settings?: Readonly<Record<string, string | number>>;
  } = {},
): Server {
  const { make = debian, settings = {} } = more;
  return {
    name,
    packages: make.packages,
    program: make.program,
    ...(make.bring === undefined ? {} : { bring: make.bring }),
    port: ports.amqp,
    readyWithinMs: 90_000,
    launch: (folder) => {
      const path = join(folder, "launch.sh");
      writeFileSync(path, launchText(folder, name, ports, make, more.epmd === "shared"));
      return ["/bin/sh", path];
    },
    prepare(folder) {
      for (const each of ["data", "logs", "home"])
        mkdirSync(join(folder, each), { recursive: true });
      const tls = certificateIn(folder);
      const lines = { ...settingsOf(folder, ports, tls), ...settings };
      const text = Object.entries(lines).map(([key, value]) => `${key} = ${value}\n`);
      writeFileSync(join(folder, "rabbitmq.conf"), text.join(""));
      writeFileSync(join(folder, "definitions.json"), definitions);
      writeFileSync(join(folder, "enabled_plugins"), plugins);
      // The nodes of a cluster, and rabbitmqctl, know each other by it.
      const cookie = join(folder, "home/.erlang.cookie");
      if (!existsSync(cookie)) writeFileSync(cookie, "TRUNKLINETESTS", { mode: 0o400 });
      return [];
    },
    // The port of the management answers seconds before AMQP does.
    async ready() {
      try {
        const { name: user, password } = rabbitmqUser;
        const answer = await fetch(
          `http://127.0.0.1:${ports.management}/api/health/checks/port-listener/${ports.amqp}`,
          {
            headers: { authorization: `Basic ${btoa(`${user}:${password}`)}` },
            signal: AbortSignal.timeout(2_000),
          },
        );
        await answer.arrayBuffer();
        return answer.ok;
      } catch {
        return false;
      }
    },
  };
}

/** Ports that were free a moment ago, for a node of a test's own. */
export async function freeRabbitmqPorts(): Promise<RabbitmqPorts> {
  return {
    amqp: await freePort(),
    amqps: await freePort(),
    management: await freePort(),
    distribution: await freePort(),
    epmd: await freePort(),
  };
}

/** The certificate of the node in `folder`, which signs itself: PEM. */
export function rabbitmqCertificate(folder: string): string {
  return readFileSync(join(folder, "certificate.pem"), "utf8");
}

/**
 * Resolves when a kill would lose no quorum queue and no stream: the server writes the names of its logs, one for each quorum
 * queue and one for all streams, to its disk only twice a second, and without its name what is in a log, confirmed or not, is not
 * found again.
 */
export async function rabbitmqSettled(folder: string, name: string): Promise<void> {
  for (const system of ["quorum", "coordination"]) {
    const at = join(folder, `data/${name}@localhost/${system}/${name}@localhost`);
    for (;;) {
      if (!existsSync(join(at, "names.dets"))) break;
      const names = readFileSync(join(at, "names.dets"), "latin1");
      const logs = readdirSync(at, { withFileTypes: true }).filter((each) => each.isDirectory());
      if (logs.every((each) => names.includes(each.name))) break;
      await pause(50);
    }
  }
}

/** Runs `rabbitmqctl` or another of its programs against the node in `folder`; gives what it printed. */
export function rabbitmqTool(
  folder: string,
  program: "rabbitmqctl" | "rabbitmq-queues",
  ...words: string[]
): string {
  const { status, stdout, stderr } = spawnSync(
    "/bin/sh",
    [join(folder, "tool.sh"), program, ...words],
    {
      encoding: "utf8",
    },
  );
  if (status === 0) return stdout;
  throw new Error(`${program} ${words.join(" ")} failed:\n${stdout}${stderr}`);
}

/** The command line that comes with it: a script in Python over the HTTP API of its management. */
export const rabbitmqAdmin: readonly string[] = ["/usr/bin/rabbitmqadmin"];

const plugins =
  "[rabbitmq_management,rabbitmq_consistent_hash_exchange,rabbitmq_stream,rabbitmq_stream_management].\n";

const definitions: string = JSON.stringify({
  users: [{ ...rabbitmqUser, tags: "administrator" }],
  vhosts: [{ name: "/" }],
  permissions: [{ user: rabbitmqUser.name, vhost: "/", configure: ".*", write: ".*", read: ".*" }],
});

function settingsOf(
  folder: string,
  { amqp, amqps, management }: RabbitmqPorts,
  tls: { readonly certificate: string; readonly key: string },
): Record<string, string | number> {
  return {
    "listeners.tcp.1": `127.0.0.1:${amqp}`,
    "listeners.ssl.1": `127.0.0.1:${amqps}`,
    "ssl_options.certfile": tls.certificate,
    "ssl_options.keyfile": tls.key,
    "ssl_options.verify": "verify_none",
    "ssl_options.fail_if_no_peer_cert": "false",
    "management.tcp.ip": "127.0.0.1",
    "management.tcp.port": management,
    // Streams are read by AMQP here; their own protocol has a port that nobody needs.
    "stream.listeners.tcp": "none",
    "disk_free_limit.absolute": "50MB",
    load_definitions: join(folder, "definitions.json"),
  };
}

function certificateIn(folder: string): { readonly certificate: string; readonly key: string } {
  const certificate = join(folder, "certificate.pem");
  const key = join(folder, "key.pem");
  if (!existsSync(certificate)) {
    const { status, stderr } = spawnSync(
      "openssl",
      [
        ...[
          "req",
          "-x509",
          "-newkey",
          "rsa:2048",
          "-nodes",
          "-days",
          "2",
          "-subj",
          "/CN=localhost",
        ],
        ...["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        ...["-keyout", key, "-out", certificate],
      ],
      { encoding: "utf8" },
    );
    if (status !== 0) throw new Error(`openssl could not make a certificate:\n${stderr}`);
  }
  return { certificate, key };
}

/**
 * Becomes the node, with its epmd beside it in its group of processes: an epmd that RabbitMQ's own script starts outlives it. The
 * folder among the arguments is by what the process is recognised.
 */
function launchText(
  folder: string,
  name: string,
  ports: RabbitmqPorts,
  { scripts, into }: RabbitmqMake,
  epmdShared: boolean,
): string {
  const environment = {
    HOME: join(folder, "home"),
    ERL_EPMD_PORT: ports.epmd,
    ERL_EPMD_ADDRESS: "127.0.0.1",
    RABBITMQ_NODENAME: `${name}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
    RABBITMQ_NODE_PORT: ports.amqp,
    RABBITMQ_DIST_PORT: ports.distribution,
    RABBITMQ_MNESIA_BASE: join(folder, "data"),
    RABBITMQ_LOG_BASE: join(folder, "logs"),
    RABBITMQ_PID_FILE: join(folder, "beam.pid"),
    RABBITMQ_CONF_ENV_FILE: "/dev/null",
    RABBITMQ_CONFIG_FILE: join(folder, "rabbitmq.conf"),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, "enabled_plugins"),
    // Schedulers that wait actively would take the processor from the tests.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "+sbwt none +sbwtdcpu none +sbwtdio none",
    RABBITMQ_SERVER_START_ARGS: `-kernel inet_dist_use_interface {127,0,0,1} -folder ${folder}`,
    // Its script then becomes the node instead of waiting for it.
    detached: "1",
  };
  const exported = Object.entries(environment)
    .map(([key, value]) => `export ${key}='${value}'\n`)
    .join("");
  const run = into.map((word) => `'${word}' `).join("");
  const tool = `program=$1; shift\nexec ${run}${scripts}/$program "$@"\n`;
  writeFileSync(join(folder, "tool.sh"), exported + tool);
  const epmd = epmdShared ? "" : `${run}epmd -port ${ports.epmd} -address 127.0.0.1 &\n`;
  return `${exported}${epmd}exec ${run}${scripts}/rabbitmq-server\n`;
}
