import { unlink } from "node:fs/promises";
import { constants } from "node:os";

import type { Peer } from "../../base/peer.ts";
import { ownUser } from "../../base/process-owner.ts";
import type { Addon, Watch } from "../../os/addon.ts";
import { checkSocketPath, type Address } from "../address.ts";
import { datagramBounds } from "../connectionless.ts";
import type { DatagramOptions, DatagramReceiver, HearDatagram } from "../transport.ts";
import type { UnixSettings } from "../unix/options.ts";
import { socketFile, type LocalFile } from "../unix/local-file.ts";
import { hiddenPath, statOf } from "../unix/owner.ts";
import type { Life } from "../unix/probe.ts";
import { listenRefused } from "../unix/refusal.ts";
import { publish, withdraw } from "../unix/socket-file.ts";
import { bindHidden, checkHiddenPath, makeFolder, restrict } from "../unix/socket-place.ts";

const { EACCES, ECONNREFUSED, EMSGSIZE, ENOENT, EPERM, EPROTOTYPE } = constants.errno;

/** Datagrams that are read in one turn: the others have theirs. */
const turnDatagramsMax = 64;

/** Datagrams that are read when it ends: more than the system keeps, unless somebody goes on sending. */
const endDatagramsMax = 4_096;

/** Binds under a hidden name, sets who may send, and only then gives the socket its public name. */
export async function receiveAt(
  os: Addon,
  settings: UnixSettings,
  address: Address,
  hear: HearDatagram,
  options: DatagramOptions,
  datagramBytesMax: number,
): Promise<DatagramReceiver> {
  const { bytesMax } = datagramBounds(options, datagramBytesMax);
  const path = address.place;
  checkSocketPath(path);
  const hidden = hiddenPath(path);
  checkHiddenPath(path, hidden);
  const kind: LocalFile = {
    ...socketFile,
    probe: (at): Promise<Life> => Promise.resolve().then(() => lifeOf(os, at)),
  };
  let fd = -1;
  let bound = false;
  try {
    fd = os.socketOpen(os.datagram);
    os.socketTellSenders(fd);
    await makeFolder(address, settings);
    await bindHidden((at) => os.socketBind(fd, at), hidden, address, kind);
    bound = true;
    await restrict(hidden, settings.socketMode, settings.gid, address);
    // Until now the umask has decided who may send. Nobody who is meant to knows of the hidden name.
    const unread = Buffer.allocUnsafe(0);
    while (took(os.socketReceive(fd, unread, 0, 0, []))) continue;
    await publish(hidden, address, kind);
  } catch (error) {
    if (fd >= 0) os.descriptorClose(fd);
    if (bound) await unlink(hidden).catch(() => {});
    throw await listenRefused(address, error);
  }
  const own = (await statOf(hidden))!;
  const senders = new Senders(address, settings.socketMode);
  const receiving = new Receiving(os, fd, senders, bytesMax, hear);
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await withdraw(path, own);
    receiving.end();
    await unlink(hidden).catch(() => {});
  };
  return {
    address,
    get dropped() {
      return receiving.dropped;
    },
    pause: () => receiving.pause(),
    resume: () => receiving.resume(),
    close: () => (closing ??= close()),
  };
}

class Receiving {
  /** Those that were larger than the largest, or of strangers. */
  dropped = 0;
  readonly #os: Addon;
  readonly #fd: number;
  readonly #senders: Senders;
  readonly #memory: Buffer;
  readonly #hear: HearDatagram;
  readonly #watch: Watch;
  #paused = false;
  #ended = false;

  constructor(os: Addon, fd: number, senders: Senders, bytesMax: number, hear: HearDatagram) {
    this.#os = os;
    this.#fd = fd;
    this.#senders = senders;
    this.#memory = Buffer.allocUnsafeSlow(bytesMax);
    this.#hear = hear;
    this.#watch = os.watchStart(fd, os.readable, false, () => this.#read(turnDatagramsMax));
  }

  pause(): void {
    if (this.#paused || this.#ended) return;
    this.#paused = true;
    this.#os.watchEvents(this.#watch, 0);
  }

  resume(): void {
    if (!this.#paused || this.#ended) return;
    this.#paused = false;
    this.#os.watchEvents(this.#watch, this.#os.readable);
  }

  /** What has come is heard, whether there was to be a pause or not: nobody else ever will. */
  end(): void {
    this.#ended = true;
    this.#read(endDatagramsMax);
    this.#os.watchStop(this.#watch);
    this.#os.descriptorClose(this.#fd);
  }

  #read(datagramsMax: number): void {
    const fds: number[] = [];
    const { length } = this.#memory;
    for (let count = 0; count < datagramsMax; count++) {
      const { who } = this.#senders;
      const got = this.#os.socketReceiveFrom(this.#fd, this.#memory, 0, length, fds, who);
      // Nobody is asked for descriptors: who sends some all the same must not fill our table.
      for (let fd = fds.pop(); fd !== undefined; fd = fds.pop()) this.#os.descriptorClose(fd);
      if (!took(got)) return;
      const peer = got < 0 ? undefined : this.#senders.peer();
      if (peer === undefined) this.dropped++;
      else this.#hear(this.#memory, 0, got, peer);
      if (this.#paused && !this.#ended) return;
    }
  }
}

/** Who has sent what is received, and whether he may. */
class Senders {
  /** Pid, uid and gid of who has sent the last one. */
  readonly who: Uint32Array = new Uint32Array(3);
  readonly #address: string;
  /** Undefined: whoever can write to the socket file. */
  readonly #user: number | undefined;
  #last: Peer | undefined;

  constructor({ text }: Address, socketMode: number) {
    this.#address = text;
    this.#user = (socketMode & 0o022) === 0 ? ownUser() : undefined;
  }

  /** Undefined: a stranger. The same object for one who sends several in a row. */
  peer(): Peer | undefined {
    const [pid = 0, uid, gid] = this.who;
    if (this.#user !== undefined && uid !== this.#user && uid !== 0) return undefined;
    const last = this.#last;
    if (
      last !== undefined &&
      last.uid === uid &&
      last.gid === gid &&
      last.pid === (pid || undefined)
    )
      return last;
    const known = { address: this.#address, sameHost: true, uid, gid };
    return (this.#last = pid === 0 ? known : { ...known, pid });
  }
}

/** One was taken out of the socket, if not whole. */
function took(got: number): boolean {
  return got >= 0 || got === -EMSGSIZE;
}

const lives: ReadonlyMap<number, Life> = new Map([
  [0, "alive"],
  [-EPROTOTYPE, "alive"], // a socket of another type, with somebody behind it
  [-ECONNREFUSED, "dead"],
  [-ENOENT, "gone"],
  [-EACCES, "denied"],
  [-EPERM, "denied"],
]);

/** Asks whether somebody receives at the path. */
function lifeOf(os: Addon, path: string): Life {
  const fd = os.socketOpen(os.datagram);
  const errno = os.socketConnect(fd, path);
  os.descriptorClose(fd);
  const life = lives.get(errno);
  if (life === undefined) throw Object.assign(new Error(`connect ${errno}`), { errno });
  return life;
}
