import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { freePort } from "./for-tests.ts";
import { running, type Running } from "./running.ts";
import { broughtTo, type Server } from "./server.ts";

const folder = join(broughtTo, "kafka");
const launcher = join(folder, "kafka");

/** From Maven Central. Without a binding of slf4j it would write no log. */
const artifacts = [
  "org.apache.kafka:kafka_2.13:4.3.1",
  "org.apache.kafka:kafka-tools:4.3.1",
  "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4",
];

const clusterId = "MkU3OEVBNTcwNTJENDM2Qg";

/** Small heaps and quick starts: these servers live for a test. */
const java = ["-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];

/** Who may in by SASL: by SCRAM-SHA-256, and by PLAIN. */
export const kafkaUsers: Readonly<Record<"scram" | "plain", { name: string; password: string }>> = {
  scram: { name: "alice", password: "secret" },
  plain: { name: "bob", password: "bobpw" },
};

/** The ports of one node, all on 127.0.0.1. */
export interface KafkaNode {
  readonly id: number;
  readonly port: number;
  readonly controllerPort: number;
  readonly saslPort: number;
  /** TLS without a certificate of the client, only where the node has a certificate. */
  readonly tlsPort: number;
}

/** A certificate with its key, as PEM. */
export interface KafkaTls {
  readonly cert: string;
  readonly key: string;
}

/** Kafka 4.3 without ZooKeeper, one node: PLAINTEXT at 29092, and SASL (SCRAM-SHA-256 and PLAIN) at 29094. */
export const kafka: Server = kafkaAt("kafka", {
  ...{ id: 1, port: 29_092, controllerPort: 29_093, saslPort: 29_094, tlsPort: 29_095 },
});

/** The same elsewhere. `nodes`: all of its cluster, itself among them; `settings`: more lines of `server.properties`. */
export function kafkaAt(
  name: string,
  node: KafkaNode,
  more: {
    readonly nodes?: readonly KafkaNode[];
    readonly tls?: KafkaTls;
    readonly settings?: Readonly<Record<string, string | number>>;
  } = {},
): Server {
  const { nodes = [node], tls, settings = {} } = more;
  return {
    name,
    packages: ["openjdk-17-jre-headless", "maven"],
    program: launcher,
    bring,
    port: node.port,
    readyWithinMs: 60_000,
    prepare(own) {
      const path = join(own, "server.properties");
      const lines = { ...propertiesOf(own, node, nodes, tls), ...settings };
      writeFileSync(
        path,
        Object.entries(lines)
          .map(([key, value]) => `${key}=${value}\n`)
          .join(""),
      );
      const logging = join(own, "log4j2.yaml");
      writeFileSync(logging, loggingText);
      const words = [...java, `-Dlog4j2.configurationFile=file:${logging}`];
      if (!existsSync(join(own, "data/meta.properties"))) format(words, path);
      return [...words, ...classPath, "kafka.Kafka", path];
    },
    ready: () => answers(node.port),
  };
}

const classPath = ["-cp", join(folder, "libs/*")];

function propertiesOf(
  own: string,
  node: KafkaNode,
  nodes: readonly KafkaNode[],
  tls: KafkaTls | undefined,
): Record<string, string | number> {
  const voters = nodes.map(({ id, controllerPort }) => `${id}@127.0.0.1:${controllerPort}`);
  const outside = [
    `PLAINTEXT://127.0.0.1:${node.port}`,
    `SASL_PLAINTEXT://127.0.0.1:${node.saslPort}`,
    ...(tls === undefined ? [] : [`SSL://127.0.0.1:${node.tlsPort}`]),
  ].join(",");
  const replicas = Math.min(nodes.length, 3);
  const inSync = Math.min(nodes.length, 2);
  const jaas = "org.apache.kafka.common.security";
  const { name, password } = kafkaUsers.plain;
  return {
    "process.roles": "broker,controller",
    "node.id": node.id,
    "controller.quorum.voters": voters.join(","),
    listeners: `${outside},CONTROLLER://127.0.0.1:${node.controllerPort}`,
    "advertised.listeners": outside,
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map":
      "PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL,CONTROLLER:PLAINTEXT",
    "sasl.enabled.mechanisms": "SCRAM-SHA-256,PLAIN",
    "listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config": `${jaas}.scram.ScramLoginModule required;`,
    "listener.name.sasl_plaintext.plain.sasl.jaas.config": `${jaas}.plain.PlainLoginModule required user_${name}="${password}";`,
    ...(tls === undefined ? {} : tlsOf(own, tls)),
    "log.dirs": join(own, "data"),
    "auto.create.topics.enable": "false",
    "num.partitions": 3,
    "default.replication.factor": replicas,
    "min.insync.replicas": inSync,
    "offsets.topic.replication.factor": replicas,
    "offsets.topic.num.partitions": 4,
    "transaction.state.log.replication.factor": replicas,
    "transaction.state.log.min.isr": inSync,
    "transaction.state.log.num.partitions": 4,
    "share.coordinator.state.topic.replication.factor": replicas,
    "share.coordinator.state.topic.min.isr": inSync,
    "share.coordinator.state.topic.num.partitions": 4,
    "group.initial.rebalance.delay.ms": 0,
    // A test can wait for a member that is gone, and a member beats a few times in it.
    "group.consumer.min.session.timeout.ms": 3_000,
    "group.consumer.session.timeout.ms": 6_000,
    "group.consumer.min.heartbeat.interval.ms": 500,
    "group.consumer.heartbeat.interval.ms": 500,
    // Otherwise partitions are assigned once a second.
    "group.consumer.assignment.interval.ms": 0,
    "log.cleaner.dedupe.buffer.size": 16_777_216,
  };
}

function tlsOf(own: string, { cert, key }: KafkaTls): Record<string, string> {
  const path = join(own, "keystore.pem");
  writeFileSync(path, `${key}\n${cert}\n`, { mode: 0o600 });
  return { "ssl.keystore.type": "PEM", "ssl.keystore.location": path, "ssl.client.auth": "none" };
}

/** Only an empty folder is formatted: a server that starts again finds what it stored. */
function format(words: readonly string[], path: string): void {
  const { name, password } = kafkaUsers.scram;
  const scram = `SCRAM-SHA-256=[name=${name},password=${password}]`;
  const { status, stdout, stderr } = spawnSync(
    launcher,
    [
      ...words,
      ...classPath,
      "kafka.tools.StorageTool",
      "format",
      "-t",
      clusterId,
      "-c",
      path,
      "--add-scram",
      scram,
    ],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`kafka could not format its folder:\n${stdout}${stderr}`);
}

const loggingText = `Configuration:
  Appenders: {Console: {name: STDOUT, PatternLayout: {pattern: "[%d] %p %m (%c)%n"}}}
  Loggers: {Root: {level: WARN, AppenderRef: [{ref: STDOUT}]}}
`;

/** True when it says which nodes there are: a request Metadata of version 1 for no topic. */
function answers(port: number): Promise<boolean> {
  const request = Buffer.from("0000001000030001000000010002697400000000", "hex");
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(request));
    const settle = (found: boolean): void => {
      socket.destroy();
      resolve(found);
    };
    socket.setTimeout(1_000, () => settle(false));
    socket.once("error", () => settle(false));
    socket.once("close", () => settle(false));
    // The length, the number of the request, and how many nodes there are.
    socket.once("data", (data) => settle(data.length >= 12 && data.readInt32BE(8) > 0));
  });
}

/** Java and Maven come from Debian, where one is root; the rest Maven fetches. */
function bring(): string | undefined {
  const run = (program: string, ...words: string[]): boolean =>
    spawnSync(program, words, {
      cwd: folder,
      stdio: ["ignore", 2, 2],
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    }).status === 0;
  mkdirSync(folder, { recursive: true });
  const there = (program: string): boolean =>
    spawnSync(program, ["-version"], { stdio: "ignore" }).error === undefined;
  const packages = ["openjdk-17-jre-headless", "maven"];
  if (!there("java") || !there("mvn")) {
    const root = process.getuid?.() === 0;
    const quiet = ["-qq", "-y", "--no-install-recommends", ...packages];
    if (!root || !run("apt-get", "-qq", "update") || !run("apt-get", "install", ...quiet))
      return `kafka: install ${packages.join(" ")} as root, or start it by compose.yaml`;
  }
  writeFileSync(join(folder, "pom.xml"), pomText());
  const copy = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";
  const libs = `-DoutputDirectory=${join(folder, "libs")}`;
  if (!run("mvn", "-q", "-B", copy, libs, "-DincludeScope=runtime"))
    return `kafka: Maven could not fetch ${artifacts[0]}`;
  // Last, and at once: it says that all is there.
  writeFileSync(`${launcher}.new`, '#!/bin/sh\nexec java "$@"\n');
  chmodSync(`${launcher}.new`, 0o755);
  renameSync(`${launcher}.new`, launcher);
  return undefined;
}

function pomText(): string {
  const dependencies = artifacts.map((each) => {
    const [group, artifact, version] = each.split(":");
    return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;
  });
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>x</groupId><artifactId>x</artifactId><version>1</version><packaging>pom</packaging><dependencies>
${dependencies.join("\n")}
</dependencies></project>
`;
}

/** A Kafka of a test file's own. */
export interface OwnKafka extends AsyncDisposable {
  readonly server: Running;
  readonly node: KafkaNode;
}

export async function ownKafka(
  more: {
    readonly tls?: KafkaTls;
    readonly settings?: Readonly<Record<string, string | number>>;
  } = {},
): Promise<OwnKafka> {
  const node = await freeNode(1);
  const server = await running(kafkaAt("kafka", node, more));
  return { server, node, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** A node at ports that nobody has. */
export async function freeNode(id: number): Promise<KafkaNode> {
  const port = await freePort();
  const controllerPort = await freePort();
  return { id, port, controllerPort, saslPort: await freePort(), tlsPort: await freePort() };
}
