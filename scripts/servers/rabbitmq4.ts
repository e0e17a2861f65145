import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { rabbitmqAt, type RabbitmqMake, type RabbitmqPorts } from "./rabbitmq.ts";
import { broughtTo, type Server } from "./server.ts";

const folder = join(broughtTo, "rabbitmq4");
const root = join(folder, "root");
const enter = join(folder, "enter");

/** The command line that comes with it, rewritten in Rust. It is there only when the server was brought. */
export const rabbitmqAdmin4: readonly string[] = [enter, "/usr/bin/rabbitmqadmin"];

/** The Debian that has the newest RabbitMQ: its packages want a newer libc than this system has. */
const suite = "sid";

const make: RabbitmqMake = {
  scripts: "/usr/lib/rabbitmq/bin",
  into: [enter],
  packages: ["debootstrap", "openssl"],
  program: enter,
  bring,
};

/** RabbitMQ 4.3, in a root of its own beside the system. Only root can bring and start it; nothing does so unasked. */
export function rabbitmq4At(name: string, ports: RabbitmqPorts): Server {
  return rabbitmqAt(name, ports, { make });
}

/**
 * A minimal system with the server in it, and a program that runs a command there: in mounts of its own, so that nothing stays
 * mounted, and by `exec` all the way, so that the number of the process stays. Folders of the outside are seen at their own paths.
 */
function bring(): string | undefined {
  if (process.getuid?.() !== 0) return "rabbitmq4: only root can make the system that it runs in";
  const run = (program: string, ...words: string[]): boolean =>
    spawnSync(program, words, {
      stdio: ["ignore", 2, 2],
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    }).status === 0;
  const apt = ["install", "-qq", "-y", "--no-install-recommends", ...make.packages];
  if (
    !existsSync("/usr/sbin/debootstrap") &&
    !(run("apt-get", "-qq", "update") && run("apt-get", ...apt))
  )
    return `rabbitmq4: apt-get could not install ${make.packages.join(" ")}`;
  const sources = "/etc/apt/sources.list.d/debian.sources";
  const mirror = existsSync(sources)
    ? /^URIs: (\S+)/m.exec(readFileSync(sources, "utf8"))?.[1]
    : undefined;
  if (mirror === undefined) return "rabbitmq4: there is no mirror of Debian here";
  mkdirSync(folder, { recursive: true });
  const include = "--include=rabbitmq-server";
  if (!run("debootstrap", "--variant=minbase", include, suite, root, mirror))
    return `rabbitmq4: debootstrap could not make a ${suite}`;
  // Erlang asks who localhost is.
  copyFileSync("/etc/hosts", join(root, "etc/hosts"));
  // Last: it says that all is there.
  writeFileSync(enter, enterText);
  chmodSync(enter, 0o755);
  return undefined;
}

/** Where servers have their folders: those of tests, and those of `npm run servers`. */
const seen = ["/tmp", join(broughtTo, "../servers")];

const enterText = `#!/bin/sh
exec unshare -m sh -c '
mount --rbind /proc "$0/proc" && mount --rbind /dev "$0/dev" || exit 1
for each in ${seen.join(" ")}; do mkdir -p "$each" "$0$each" && mount --rbind "$each" "$0$each" || exit 1; done
exec chroot "$0" "$@"' '${root}' "$@"
`;
