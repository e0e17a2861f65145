import { createServer, type AddressInfo } from "node:net";
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

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
