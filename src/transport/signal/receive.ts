import { readSync } from "node:fs";
import { MessageChannel } from "node:worker_threads";

import type { Peer } from "../../base/peer.ts";
import type { Addon } from "../../os/addon.ts";
import type { Address } from "../address.ts";
import type { DatagramReceiver, HearDatagram } from "../transport.ts";
import { refused, signalBytes, signalOf, type PlainSignal } from "./which.ts";

/** Signals that somebody in this process receives: its handlers are the process's own. */
const heard = new Set<number>();

/** What the addon tells of a signal: four words. */
const recordBytes = 16;
/** Signals that are read at once. */
const recordsMax = 64;

export function hearSignal(address: Address, hear: HearDatagram): DatagramReceiver {
  const signal = signalOf(address);
  const { name, number, os } = signal;
  if (address.place !== "self" && Number(address.place) !== process.pid)
    throw refused(
      address,
      "INVALID_ARGUMENT",
      `process ${address.place} is another one`,
      `receive at signal:self?signal=${name}`,
    );
  if (heard.has(number))
    throw refused(address, "UNAVAILABLE", `${name} is received here already`, "take another one");
  heard.add(number);
  const peer: Peer = { address: address.text, sameHost: true };
  let stop: () => void;
  try {
    stop =
      os === undefined ? byNode(name as PlainSignal, hear, peer) : byAddon(os, number, hear, peer);
  } catch (error) {
    heard.delete(number);
    const { code = "", message } = error as NodeJS.ErrnoException;
    if (code === "EMFILE" || code === "ENFILE")
      throw refused(address, "RESOURCE_EXHAUSTED", message, "raise `ulimit -n`, or close files");
    throw refused(address, "UNAVAILABLE", message, "take another signal");
  }
  let closed = false;
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    stop();
    heard.delete(number);
  };
  return { address, close };
}

function byNode(name: PlainSignal, hear: HearDatagram, peer: Peer): () => void {
  const nothing = Buffer.alloc(0);
  const listener = (): void => hear(nothing, 0, 0, peer);
  process.on(name, listener);
  // Node does not go on for the sake of who hears a signal; whoever receives at an address does, as with sockets.
  const { port1: hold } = new MessageChannel();
  hold.ref();
  return () => {
    hold.close();
    process.off(name, listener);
  };
}

function byAddon(os: Addon, number: number, hear: HearDatagram, peer: Peer): () => void {
  const fd = os.signalHear(number);
  const value = Buffer.alloc(signalBytes);
  const read = (): void => {
    // Each time its own: who hears may close, which reads what is left.
    const words = new Int32Array((recordBytes / 4) * recordsMax);
    const got = readNow(fd, words);
    for (let word = 0; word * 4 < got; word += recordBytes / 4) {
      value.writeInt32BE(words[word + 1]!, 0);
      hear(value, 0, signalBytes, { ...peer, pid: words[word + 2], uid: words[word + 3]! >>> 0 });
    }
  };
  const watch = os.watchStart(fd, os.readable, false, read);
  return () => {
    os.signalDeafen(number);
    read();
    os.watchStop(watch);
    os.descriptorClose(fd);
  };
}

/** How many bytes are there; it is a pipe that never blocks. */
function readNow(fd: number, into: Int32Array): number {
  try {
    return readSync(fd, into);
  } catch {
    return 0;
  }
}
