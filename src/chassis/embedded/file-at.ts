import { file as fileAlone, type FileOptions as FileAlone } from "../../bridge/embedded/file.ts";
import type { Face } from "../../bridge/embedded/folder.ts";
import type { BrokerFactory } from "../../broker/broker.ts";
import { facesOf, serveAll, type ServingOptions } from "./serving.ts";

export interface FileOptions extends FileAlone, Partial<ServingOptions> {
  /** Called when this process owns the folder and serves it at `listen`: where it listens in truth. */
  readonly onListening?: (addresses: readonly string[]) => void;
  /** Called when it owns the folder and cannot serve it there; the folder itself goes on. Default: nobody hears of it. */
  readonly onProblem?: (error: unknown) => void;
}

/**
 * The make behind `file:./data`: a broker in a folder of this machine, which the processes that name it share. The first one owns it
 * and serves the others at a socket in the folder; when it leaves or dies, another one takes its place, and nobody who publishes or
 * consumes need know. Durable queues and logs with nothing else installed. With `listen` whichever process owns it serves clients of
 * RabbitMQ too. Of several that open one folder in one process the first one's options hold.
 *
 * @throws TrunklineError INVALID_ARGUMENT when `listen` would send passwords in clear over a network.
 */
export function file(options: FileOptions = {}): BrokerFactory {
  const { listen, tls, insecure = false, onListening, onProblem, ...alone } = options;
  if (listen === undefined) return fileAlone(alone);
  const serving: ServingOptions = { listen, tls, insecure };
  facesOf(serving);
  const face: Face = {
    async begin(engine) {
      const { addresses, close } = await serveAll(serving, engine, engine.node.env);
      onListening?.(addresses);
      return close;
    },
    failed: (error) => onProblem?.(error),
  };
  return fileAlone({ ...alone, faces: [face] });
}
