import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fromSource } from "../program.ts";

/** Nothing is installed on the machine: what is downloaded or compiled stands here. */
export const cache: string = join(import.meta.dirname, "../../.cache/foreign");

/** Downloads and compilers that take longer are taken for missing, in milliseconds. */
const preparedWithinMs = 240_000;

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
}

export interface Programs {
  readonly client: Program;
  readonly server: Program;
}

/** A library of somebody else, and how its programs are started here. */
export interface Library {
  /** `rsocket-java` */
  readonly name: string;
  /** It can send what is large in fragments. */
  readonly fragments: boolean;
  /** Brings what is needed; a sentence says what is missing. */
  prepare(): Promise<Programs | string>;
}

const java: Library = {
  name: "rsocket-java",
  fragments: true,
  async prepare() {
    const sources = join(import.meta.dirname, "java");
    const pom = join(sources, "pom.xml");
    const classes = join(cache, "java");
    const list = join(classes, "classpath.txt");
    mkdirSync(classes, { recursive: true });
    if (!(await runs("javac", ["-version"]))) return "javac is not installed";
    if (!existsSync(list) || outdated(join(classes, "pom.xml"), pom)) {
      if (!(await runs("mvn", ["-version"]))) return "mvn is not installed";
      const goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath";
      const repository = `-Dmaven.repo.local=${join(cache, "maven")}`;
      const args = ["-q", "-B", "-f", pom, repository, goal, `-Dmdep.outputFile=${list}`];
      if (!(await runs("mvn", args))) return "mvn cannot download it";
      writeFileSync(join(classes, "pom.xml"), readFileSync(pom));
    }
    const classpath = [classes, readFileSync(list, "utf8").trim()].join(delimiter);
    const files = ["Metadata.java", "Server.java", "Client.java"].map((file) =>
      join(sources, file),
    );
    if (!(await runs("javac", ["-d", classes, "-cp", classpath, ...files])))
      throw new Error("the programs of test/foreign/java do not compile: run javac to see why");
    const program = (name: string): Program => ({
      command: "java",
      args: ["-XX:TieredStopAtLevel=1", "-cp", classpath, name],
    });
    return { client: program("Client"), server: program("Server") };
  },
};

const python: Library = {
  name: "rsocket-py",
  fragments: true,
  async prepare() {
    const program = await pythonOf("python");
    if (typeof program === "string") return program;
    return { client: program("client.py"), server: program("server.py") };
  },
};

/** The Python programs of a folder beside this file, with what its `requirements.txt` asks for; or what is missing. */
export async function pythonOf(folder: string): Promise<((file: string) => Program) | string> {
  const sources = join(import.meta.dirname, folder);
  const requirements = join(sources, "requirements.txt");
  const venv = join(cache, folder);
  const installed = join(venv, "requirements.txt");
  const command = join(venv, "bin", "python");
  if (outdated(installed, requirements)) {
    if (!(await runs("python3", ["--version"]))) return "python3 is not installed";
    if (!(await runs("python3", ["-m", "venv", venv]))) return "python3 has no venv";
    const args = ["-m", "pip", "install", "-q", "--disable-pip-version-check"];
    if (!(await runs(command, [...args, "-r", requirements]))) return "pip cannot download it";
    writeFileSync(installed, readFileSync(requirements));
  }
  return (file) => ({ command, args: [join(sources, file)] });
}

const node: Library = {
  name: "rsocket-core of npm",
  fragments: false,
  async prepare() {
    const program = (file: string): Program => ({
      command: process.execPath,
      args: [...fromSource, "--no-warnings", join(import.meta.dirname, "node", file)],
    });
    return { client: program("client.ts"), server: program("server.ts") };
  },
};

export const libraries: readonly Library[] = [node, java, python];

function outdated(copy: string, original: string): boolean {
  return !existsSync(copy) || !readFileSync(copy).equals(readFileSync(original));
}

/** False when there is no such command, or it fails. */
export function runs(command: string, args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: "ignore", timeout: preparedWithinMs });
    child.on("error", () => resolve(false));
    child.on("close", (code) => resolve(code === 0));
  });
}
