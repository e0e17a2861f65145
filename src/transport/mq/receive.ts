import type { Addon, Watch } from "../../os/addon.ts";
import type { Address } from "../address.ts";
import { datagramBounds } from "../connectionless.ts";
import type { DatagramOptions, DatagramReceiver, HearDatagram } from "../transport.ts";
import { madeQueue } from "./open-queue.ts";
import { queueTerms } from "./queue-terms.ts";
import { inUse } from "./refusal.ts";

/** Datagrams that are read in one turn: the others have theirs. */
const turnDatagramsMax = 64;

/** Datagrams that are read when it ends: more than a queue holds, unless somebody goes on sending. */
const endDatagramsMax = 4_096;

/** Receives from the queue alone: its lock goes with the process, however that ends. */
export function receiveFrom(
  os: Addon,
  address: Address,
  mode: number,
  hear: HearDatagram,
  options: DatagramOptions,
): DatagramReceiver {
  datagramBounds(options, Infinity); // refuses those that cannot be, before a queue is made
  const queue = madeQueue(os, address, mode, queueTerms(address));
  const { bytesMax } = datagramBounds(options, queue.bytes);
  if (!os.fileLock(queue.fd, true)) {
    os.descriptorClose(queue.fd);
    throw inUse(address);
  }
  // Whatever is in the queue fits into its own bound.
  const receiving = new Receiving(os, queue.fd, Buffer.allocUnsafeSlow(queue.bytes), bytesMax);
  receiving.begin(hear, { address: address.text, sameHost: true });
  return {
    address,
    get dropped() {
      return receiving.dropped;
    },
    pause: () => receiving.pause(),
    resume: () => receiving.resume(),
    close: () => Promise.resolve(receiving.end()),
  };
}

class Receiving {
  /** Those that were larger than was asked for. */
  dropped = 0;
  readonly #os: Addon;
  readonly #fd: number;
  readonly #memory: Buffer;
  readonly #bytesMax: number;
  #watch: Watch | undefined;
  #hear: (from: number, to: number) => void = () => {};
  #paused = false;
  #ended = false;
  /** The number of the descriptor may be another's by now. */
  #closed = false;

  constructor(os: Addon, fd: number, memory: Buffer, bytesMax: number) {
    this.#os = os;
    this.#fd = fd;
    this.#memory = memory;
    this.#bytesMax = bytesMax;
  }

  begin(hear: HearDatagram, peer: { readonly address: string; readonly sameHost: true }): void {
    this.#hear = (from, to) => hear(this.#memory, from, to, peer);
    const read = (): void => this.#read(turnDatagramsMax);
    this.#watch = this.#os.watchStart(this.#fd, this.#os.readable, false, read);
  }

  pause(): void {
    if (this.#paused || this.#ended) return;
    this.#paused = true;
    this.#os.watchEvents(this.#watch!, 0);
  }

  resume(): void {
    if (!this.#paused || this.#ended) return;
    this.#paused = false;
    this.#os.watchEvents(this.#watch!, this.#os.readable);
  }

  /** What has come is heard, whether there was to be a pause or not; the queue stays, for whoever comes next. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#read(endDatagramsMax);
    this.#os.watchStop(this.#watch!);
    this.#os.descriptorClose(this.#fd);
    this.#closed = true;
  }

  #read(datagramsMax: number): void {
    const { length } = this.#memory;
    for (let count = 0; count < datagramsMax; count++) {
      const got = this.#os.queueReceive(this.#fd, this.#memory, 0, length);
      if (got < 0) return;
      if (got > this.#bytesMax) this.dropped++;
      else this.#hear(0, got);
      // Who hears may have closed, which reads what is left, or paused.
      if (this.#closed || (this.#paused && !this.#ended)) return;
    }
  }
}
