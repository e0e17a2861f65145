import { registerHooks } from "node:module";

import type { ShmStream } from "../shm-stream.ts";

/*
 * The sources as they are, but with `_` for the `#` of private fields: so that it can be seen when two runs have come to the same.
 * A copy of its own, beside the one that everybody else has.
 */

const mark = "?opened";
const opened = /\/(shm-stream|ring-reader|ring-writer|bounded-queue)\.ts$/;

/** `ShmStream` with its fields open, of the same source. */
export async function openedStream(): Promise<typeof ShmStream> {
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context);
      const inside = context.parentURL?.endsWith(mark) === true && opened.test(found.url);
      return inside ? { ...found, url: found.url + mark } : found;
    },
    load(url, context, next) {
      const loaded = next(url, context);
      if (!url.endsWith(mark)) return loaded;
      const source = Buffer.from(loaded.source as Uint8Array).toString();
      return { ...loaded, source: source.replace(/#(?=[a-z])/g, "_") };
    },
  });
  try {
    const name: string = `../shm-stream.ts${mark}`;
    const { ShmStream: Stream } = (await import(name)) as { ShmStream: typeof ShmStream };
    return Stream;
  } finally {
    hooks.deregister();
  }
}
