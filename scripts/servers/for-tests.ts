import { createServer } from "node:net";
import { install, programOf, type Server } from "./server.ts";

/**
 * Why what needs this server is skipped; undefined when it is there. It is installed here only where nobody minds: in CI, as
 * root.
 */
export function missing(server: Server): string | undefined {
  if (programOf(server) !== undefined) return undefined;
  const own = process.env["CI"] === "true" && process.getuid?.() === 0;
  const problem = own ? install(server) : `npm run servers -- install ${server.name}`;
  return problem === undefined ? undefined : `${server.name} is not installed: ${problem}`;
}

/** Below those that the system gives to whoever connects: a server that is started again must find its port free. */
const ports = { from: 12_000, to: 32_000 };
/** Each of the files that run side by side has a part of them: what is free now another one may be about to take. */
const parts = 4;
const part = (Number(process.env["NODE_TEST_WORKER_ID"] ?? "1") - 1) % parts;
const partSize = (ports.to - ports.from) / parts;
/** A process goes through them from anywhere on, so that it gives none twice. */
let next = Math.floor(Math.random() * partSize);

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = ports.from + part * partSize + (next++ % partSize);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!free) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
