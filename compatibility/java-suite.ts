// The functional tests of RabbitMQ's own Java client, compiled as they were published: sources that somebody has, libraries from Maven.
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, delimiter, join, sep } from "node:path";
import { XMLParser } from "fast-xml-parser";

/** Where the tests are that belong to the client that pom.xml names. */
export const tag = "v5.35.0";

/** The lists of what RabbitMQ itself runs. */
const suites = ["ClientTestSuite", "functional/FunctionalTestSuite", "server/ServerTestSuite"];
const own = "com.rabbitmq.client.test.";

/** They speak with a cluster, or need libraries that no repository has. */
const leftOut = /MicrometerObservation|CrossNode/;
const oneTestEndsWithinS = 60;

export interface Suite {
  /** Some of the client's own tests read files beside it. */
  readonly sources: string;
  readonly classpath: string;
  /** By their names, without what all names begin with: `functional.QosTests`. */
  readonly classes: ReadonlyMap<string, string>;
}

export interface TestResult {
  /** `functional.QosTests.limit` */
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** Why it failed: the first lines of what Java says. */
  readonly why: string;
}

/** Compiles the tests in `sources`, a checkout of github.com/rabbitmq/rabbitmq-java-client, into `cache`. */
export function prepared(sources: string, cache: string): Suite {
  const tests = join(sources, "src/test/java");
  const root = join(tests, "com/rabbitmq/client/test");
  if (!existsSync(root)) throw new Error(`${sources} is no checkout of rabbitmq-java-client`);
  mkdirSync(cache, { recursive: true });
  const list = join(cache, "classpath.txt");
  const goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath";
  ran("mvn", [
    ...["-q", "-B", "-f", join(import.meta.dirname, "pom.xml")],
    ...[`-Dmaven.repo.local=${join(cache, "maven")}`, goal, `-Dmdep.outputFile=${list}`],
  ]);
  const sourceOf = new Map(
    readdirSync(tests, { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".java"))
      .map((path) => [basename(path, ".java"), path]),
  );
  const found = suites
    .flatMap((name) => [
      ...readFileSync(join(root, `${name}.java`), "utf8").matchAll(/(\w+)\.class/g),
    ])
    .map(([, name]) => sourceOf.get(name!)!)
    .filter((path) => !leftOut.test(path));
  const classes = join(cache, "classes");
  rmSync(classes, { recursive: true, force: true });
  mkdirSync(classes);
  const libraries = readFileSync(list, "utf8").trim();
  ran("javac", [
    ...["-nowarn", "-d", classes, "-cp", libraries, "-sourcepath", tests],
    join(tests, "com/rabbitmq/client/AmqpClientTestExtension.java"),
    ...found.map((path) => join(tests, path)),
  ]);
  cpSync(join(sources, "src/test/resources"), classes, { recursive: true });
  return {
    sources,
    classpath: [classes, libraries].join(delimiter),
    classes: new Map(
      found.map((path) => {
        const full = path.slice(0, -".java".length).replaceAll(sep, ".");
        return [shortened(full), full];
      }),
    ),
  };
}

/** Runs classes against the server on port 5672, whose `rabbitmqctl` is a program. What Java prints goes to `log`. */
export async function results(
  suite: Suite,
  classes: readonly string[],
  { rabbitmqctl, folder }: { readonly rabbitmqctl: string; readonly folder: string },
): Promise<readonly TestResult[]> {
  const child = spawn(
    "java",
    [
      ...["-XX:TieredStopAtLevel=1", "-cp", suite.classpath],
      `-Drabbitmqctl.bin=${rabbitmqctl}`,
      ...["-Dtest-broker.A.nodename=rabbit@localhost", "-Dnet.bytebuddy.experimental=true"],
      `-Djunit.jupiter.execution.timeout.default=${oneTestEndsWithinS}s`,
      ...["org.junit.platform.console.ConsoleLauncher", "execute", "--details=testfeed"],
      ...["--disable-banner", `--reports-dir=${folder}`],
      ...classes.map((name) => `--select-class=${suite.classes.get(name) ?? own + name}`),
    ],
    { cwd: suite.sources, stdio: ["ignore", 2, 2] },
  );
  await new Promise((resolve) => child.on("close", resolve));
  return read(readFileSync(join(folder, "TEST-junit-jupiter.xml"), "utf8"));
}

interface Case {
  readonly name: string;
  readonly classname: string;
  readonly failure?: Problem;
  readonly error?: Problem;
  readonly skipped?: unknown;
}

type Problem = string | { readonly message?: string; readonly "#text"?: string };

function read(report: string): readonly TestResult[] {
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: "",
    isArray: (name) => name === "testcase",
  });
  const { testsuite } = parser.parse(report) as { testsuite: { testcase?: readonly Case[] } };
  return (testsuite.testcase ?? []).map((each) => {
    const problem = each.failure ?? each.error;
    const name = each.name.replace(/\(.*?\)/, "");
    return {
      name: `${shortened(each.classname)}.${name}`,
      outcome: problem !== undefined ? "failed" : each.skipped !== undefined ? "skipped" : "passed",
      why: problem === undefined ? "" : told(problem),
    };
  });
}

function shortened(name: string): string {
  return name.replace(own, "");
}

function told(problem: Problem): string {
  if (typeof problem === "string") return problem.split("\n").slice(0, 2).join(" ");
  return (problem["#text"] ?? problem.message ?? "").split("\n").slice(0, 3).join(" ");
}

function ran(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: ["ignore", 2, 2] });
  if (error !== undefined) throw new Error(`${command} is not installed: ${error.message}`);
  if (status !== 0) throw new Error(`${command} failed: see above`);
}
