// The child: serves over the pipes that its parent holds. It could be any program that speaks RSocket there.
import { createHash } from "node:crypto";
import { chassis, serve } from "trunkline";
import { Archive } from "./archive.contract.ts";

const bytesMax = 1_000_000;
const stored = new Map<string, Uint8Array>();

const app = await chassis({
  name: "archive",
  listen: "stdio:",
  serve: [
    serve(Archive, {
      async store(chunks, { head, errors }) {
        const parts: Uint8Array[] = [];
        let bytes = 0;
        // When the caller goes away in the middle this loop throws: half a file never looks whole.
        for await (const chunk of chunks) {
          bytes += chunk.length;
          if (bytes > bytesMax) throw errors.TOO_LARGE({ bytesMax }); // the caller stops sending
          parts.push(chunk);
        }
        const whole = Buffer.concat(parts);
        stored.set(head.name, whole);
        return { bytes, sha256: createHash("sha256").update(whole).digest("hex") };
      },
      names: () => [...stored.keys()],
    }),
  ],
});
await app.stopped; // the parent closed the pipes, or SIGTERM
