import type { Env } from "../../base/env.ts";
import type { Address } from "../../transport/address.ts";
import type { CloseReason, Connection, Receiver, Transport } from "../../transport/transport.ts";
import { frameName } from "../../wire/frame-type.ts";
import { FrameView } from "../../wire/frame-view.ts";

/** A frame that came, taken apart. */
export interface SeenFrame {
  /** `PAYLOAD` */
  readonly type: string;
  readonly streamId: number;
  readonly flags: number;
  readonly requestN: number;
  readonly errorCode: number;
  readonly metadata: Buffer;
  readonly data: Buffer;
  /** The whole frame, hexadecimal. */
  readonly hex: string;
}

/** Speaks frame by frame: what a peer of another version, or a bad one, says. For tests. */
export class FramePeer implements Receiver {
  /** What came and was not asked for yet, oldest first. */
  readonly frames: SeenFrame[] = [];
  /** Why the connection has closed; undefined while it is open. */
  closedBy: CloseReason | undefined;
  /** The other side sends nothing more. */
  isEnded = false;
  readonly connection: Connection;
  #changed: (() => void)[] = [];

  private constructor(connection: Connection) {
    this.connection = connection;
    connection.open(this);
  }

  /** In the place of a client. */
  static async dial(transport: Transport, address: Address, env: Env): Promise<FramePeer> {
    const options = { until: env.now() + 10_000 };
    return new FramePeer(await transport.dial(address, options, env));
  }

  /** In the place of a server: calls `meet` with each peer that dials. Returns how to stop listening. */
  static async listen(
    transport: Transport,
    address: Address,
    env: Env,
    meet: (peer: FramePeer) => void,
  ): Promise<() => Promise<void>> {
    const accept = (connection: Connection): void => meet(new FramePeer(connection));
    const listener = await transport.listen(address, accept, {}, env);
    return () => listener.close();
  }

  /** Sends whole frames, written as hexadecimal (spaces count for nothing) or as bytes. */
  send(...frames: (string | Uint8Array)[]): void {
    for (const frame of frames) {
      const bytes =
        typeof frame === "string" ? Buffer.from(frame.replaceAll(/\s/g, ""), "hex") : frame;
      const at = this.connection.claim(bytes.length);
      this.connection.outgoing.set(bytes, at);
      this.connection.commit(at + bytes.length);
    }
  }

  /** The next frame that is none of `passing`, which are dropped. */
  async next(...passing: string[]): Promise<SeenFrame> {
    for (;;) {
      const frame = this.frames.shift();
      if (frame === undefined) {
        if (this.closedBy !== undefined) throw new Error(`closed: ${this.closedBy.message}`);
        await this.#change();
      } else if (!passing.includes(frame.type)) return frame;
    }
  }

  /** Resolves with the reason when the connection has closed. */
  async closing(): Promise<CloseReason> {
    while (this.closedBy === undefined) await this.#change();
    return this.closedBy;
  }

  /** Resolves when the other side has ended. */
  async ending(): Promise<void> {
    while (!this.isEnded && this.closedBy === undefined) await this.#change();
  }

  frame(memory: Buffer, from: number, to: number): void {
    const view = new FrameView();
    const fault = view.read(memory, from, to);
    if (fault !== undefined) throw new Error(`what we send is not a frame: ${fault}`);
    const { streamId, flags, requestN, errorCode } = view;
    const cut = (start: number, end: number): Buffer => Buffer.from(memory.subarray(start, end));
    this.frames.push({
      type: frameName(view.type),
      streamId,
      flags,
      requestN,
      errorCode,
      metadata: cut(view.metadataFrom, view.metadataTo),
      data: cut(view.dataFrom, view.dataTo),
      hex: memory.toString("hex", from, to),
    });
    this.#tell();
  }

  drain(): void {}

  ended(): void {
    this.isEnded = true;
    this.#tell();
  }

  closed(reason: CloseReason): void {
    this.closedBy = reason;
    this.#tell();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#changed.push(resolve));
  }

  #tell(): void {
    for (const resolve of this.#changed.splice(0)) resolve();
  }
}
