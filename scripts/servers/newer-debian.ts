import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { broughtTo } from "./server.ts";

/** The Debian that has the newest servers: its packages want a newer libc than this system has. */
const suite = "sid";

/** A minimal newer system beside this one, with some packages in it. */
export interface NewerDebian {
  /** Runs a command there: in mounts of its own, so that nothing stays mounted, and by `exec` all the way, so that the number of the process stays. Folders of the outside are seen at their own paths. */
  readonly enter: string;
  /** Makes it, which only root can. Says what is wrong, or nothing. */
  bring(): string | undefined;
}

export function newerDebian(name: string, packages: readonly string[]): NewerDebian {
  const folder = join(broughtTo, name);
  const root = join(folder, "root");
  const enter = join(folder, "enter");
  return { enter, bring: () => bringTo(name, folder, root, enter, packages) };
}

function bringTo(
  name: string,
  folder: string,
  root: string,
  enter: string,
  packages: readonly string[],
): string | undefined {
  if (process.getuid?.() !== 0) return `${name}: only root can make the system that it runs in`;
  const run = (program: string, ...words: string[]): boolean =>
    spawnSync(program, words, {
      stdio: ["ignore", 2, 2],
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    }).status === 0;
  const apt = ["install", "-qq", "-y", "--no-install-recommends", "debootstrap", "openssl"];
  if (
    !existsSync("/usr/sbin/debootstrap") &&
    !(run("apt-get", "-qq", "update") && run("apt-get", ...apt))
  )
    return `${name}: apt-get could not install debootstrap`;
  const sources = "/etc/apt/sources.list.d/debian.sources";
  const mirror = existsSync(sources)
    ? /^URIs: (\S+)/m.exec(readFileSync(sources, "utf8"))?.[1]
    : undefined;
  if (mirror === undefined) return `${name}: there is no mirror of Debian here`;
  // What was begun and not finished is of no use.
  rmSync(root, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const include = `--include=${packages.join(",")}`;
  if (!run("debootstrap", "--variant=minbase", include, suite, root, mirror))
    return `${name}: debootstrap could not make a ${suite}`;
  // debootstrap leaves none, and servers ask who localhost is.
  copyFileSync("/etc/hosts", join(root, "etc/hosts"));
  // Last: it says that all is there.
  writeFileSync(enter, enterText(root));
  chmodSync(enter, 0o755);
  return undefined;
}

/** Where servers have their folders: those of tests, and those of `npm run servers`. */
const seen = ["/tmp", join(broughtTo, "../servers")];

function enterText(root: string): string {
  return `#!/bin/sh
exec unshare -m sh -c '
mount --rbind /proc "$0/proc" && mount --rbind /dev "$0/dev" || exit 1
for each in ${seen.join(" ")}; do mkdir -p "$each" "$0$each" && mount --rbind "$each" "$0$each" || exit 1; done
exec chroot "$0" "$@"' '${root}' "$@"
`;
}
