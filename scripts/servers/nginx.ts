import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Server } from "./server.ts";

const port = 28_082;

/** nginx as it comes with Debian: an HTTP cache, and what stands before services. */
export const nginx: Server = nginxWith(
  "nginx",
  port,
  `server { listen 127.0.0.1:${port}; location = /healthz { return 200 ok; } }`,
);

/** The same program with what it is to serve: the inside of its `http { … }`. It must answer at `/healthz`. */
export function nginxWith(name: string, at: number, http: string): Server {
  return {
    name,
    packages: ["nginx-light"],
    program: "nginx",
    port: at,
    prepare(folder) {
      const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((each) => {
        mkdirSync(join(folder, each), { recursive: true });
        return `${each}_temp_path ${join(folder, each)};`;
      });
      const user = process.getuid?.() === 0 ? "user root;" : "";
      const config = join(folder, "nginx.conf");
      writeFileSync(
        config,
        `daemon off; worker_processes 1; ${user} pid ${join(folder, "nginx.pid")}; error_log stderr;
events { worker_connections 1024; }
http { access_log off; ${temporary.join(" ")}
${http}
}
`,
      );
      return ["-p", folder, "-c", config, "-e", "stderr"];
    },
    async ready() {
      try {
        return (await fetch(`http://127.0.0.1:${at}/healthz`)).ok;
      } catch {
        return false;
      }
    },
  };
}
