import { channel } from "node:diagnostics_channel";
import { setTimeout as sleep } from "node:timers/promises";
import { chassis, serve, type Chassis, type Handlers } from "trunkline";
import { tls } from "trunkline/transport/tls";
import type { Certificate } from "../bench/certificate.ts";
import { blockBytes, Mixed } from "./contract.ts";

/** Serves the mixed contract at the addresses; `tls:` needs the certificate. */
export async function serveMixed(
  listen: readonly string[],
  certificate?: Certificate,
): Promise<Chassis> {
  // Handlers that throw are wanted here; without a subscriber each would be printed.
  channel("trunkline:incident").subscribe(() => {});
  return chassis({
    name: "soak",
    listen,
    serve: [serve(Mixed, handlers())],
    checkSent: true,
    ...(certificate === undefined ? {} : { transports: [tls(certificateOf(certificate))] }),
  });
}

function certificateOf({ cert, key }: Certificate): { cert: string; key: string } {
  return { cert, key };
}

function handlers(): Handlers<typeof Mixed> {
  let notes = 0;
  return {
    echo: (item) => item,
    blob: (given) => given,
    refuse(number, { errors }) {
      throw errors.NO(number);
    },
    crash() {
      throw new RangeError("as was asked for");
    },
    async wait(ms, { signal }) {
      await sleep(ms, undefined, { signal });
      return null;
    },
    async *count(to) {
      for (let number = 0; number < to; number++) yield { number, filler: "x".repeat(number % 64) };
    },
    *blocks(to) {
      for (let number = 0; number < to; number++) yield Buffer.alloc(blockBytes, number);
    },
    async store(blocks, { head }) {
      let number = 0;
      for await (const block of blocks) {
        if (block.length !== blockBytes || block[0] !== number % 256)
          throw new RangeError(`not block ${number}`);
        if (++number === head.stopAt) break;
      }
      return number;
    },
    async *talk(items, { head }) {
      for await (const item of items) {
        if (item.number === head.stopAt) return;
        yield item;
      }
    },
    note: () => void notes++,
    noted: () => notes,
  };
}
