import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kill, signal, start, stop, type Server } from "./server.ts";

/** A server of a test's own, in a folder of its own. */
export interface Running extends AsyncDisposable {
  /** `127.0.0.1:21234` */
  readonly address: string;
  /** Where its files are. */
  readonly folder: string;
  /** Stops answering, and keeps its connections. */
  freeze(): void;
  thaw(): void;
  /** Ends it without a word. */
  kill(): Promise<void>;
  /** Starts it again, with what it has stored. */
  restart(): Promise<void>;
  /** Starts it again, and it has forgotten everything. */
  wipe(): Promise<void>;
}

/** Starts a server and waits until it answers. */
export async function running(server: Server): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), `trunkline-${server.name}-`));
  await start(server, folder);
  return {
    address: `127.0.0.1:${server.port}`,
    folder,
    freeze: () => signal(folder, "SIGSTOP"),
    thaw: () => signal(folder, "SIGCONT"),
    kill: () => kill(folder),
    restart: () => start(server, folder),
    async wipe() {
      await kill(folder);
      rmSync(folder, { recursive: true });
      await start(server, folder);
    },
    async [Symbol.asyncDispose]() {
      await stop(folder);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
