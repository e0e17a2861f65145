import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { broughtTo, type Server } from "./server.ts";

const folder = join(broughtTo, "consul");

/** The last Debian that has a Consul: 1.8.7. */
const suite = "bullseye";

/** Consul as a single server: a registry. */
export const consul: Server = consulAt("consul", 28_500, { rpc: 28_300, serf: 28_301 });

/** The same program elsewhere, with more of its configuration (HCL). */
export function consulAt(
  name: string,
  port: number,
  ports: { readonly rpc: number; readonly serf: number },
  configuration: string = "",
): Server {
  return {
    name,
    packages: ["consul"],
    program: join(folder, "usr/bin/consul"),
    bring,
    port,
    prepare: (own) => [
      ...["agent", "-server", "-bootstrap-expect=1", `-node=${name}`, "-datacenter=it"],
      ...["-bind=127.0.0.1", "-client=127.0.0.1", `-data-dir=${join(own, "data")}`],
      ...[`-http-port=${port}`, "-dns-port=-1", "-serf-wan-port=-1", "-disable-host-node-id"],
      ...[`-serf-lan-port=${ports.serf}`, `-server-port=${ports.rpc}`],
      // Otherwise the first leader takes ten seconds.
      ...["-hcl", `performance { raft_multiplier = 1 } ${configuration}`],
    ],
    async ready() {
      try {
        const answer = await fetch(`http://127.0.0.1:${port}/v1/status/leader`, {
          signal: AbortSignal.timeout(1_000),
        });
        return answer.ok && (await answer.text()).includes(`:${ports.rpc}`);
      } catch {
        return false;
      }
    },
  };
}

/**
 * Unpacks the package of an older Debian without installing it: it is one program that needs nothing. From the mirror that this
 * machine uses anyway, with lists of its own.
 */
function bring(): string | undefined {
  const mirror = mirrorOf();
  if (mirror === undefined) return "consul: there is no mirror of Debian here";
  for (const each of ["lists/partial", "cache/archives/partial"])
    mkdirSync(join(folder, each), { recursive: true });
  const sources = join(folder, "sources.list");
  const key = "/usr/share/keyrings/debian-archive-keyring.gpg";
  writeFileSync(sources, `deb [signed-by=${key}] ${mirror} ${suite} main\n`);
  const options = [
    `Dir::Etc::sourcelist=${sources}`,
    "Dir::Etc::sourceparts=/dev/null",
    `Dir::State::lists=${join(folder, "lists")}`,
    `Dir::Cache=${join(folder, "cache")}`,
  ].flatMap((each) => ["-o", each]);
  const run = (program: string, ...words: string[]): boolean =>
    spawnSync(program, words, { cwd: folder, stdio: ["ignore", 2, 2] }).status === 0;
  const downloaded =
    run("apt-get", "-qq", ...options, "update") &&
    run("apt-get", "-qq", ...options, "download", "consul");
  const file = downloaded ? readdirSync(folder).find((each) => each.endsWith(".deb")) : undefined;
  if (file !== undefined && run("dpkg-deb", "-x", file, folder)) return undefined;
  return `consul: the package of Debian ${suite} could not be had`;
}

function mirrorOf(): string | undefined {
  try {
    const text = readFileSync("/etc/apt/sources.list.d/debian.sources", "utf8");
    return /^URIs: (\S+)/m.exec(text)?.[1];
  } catch {
    return undefined;
  }
}
