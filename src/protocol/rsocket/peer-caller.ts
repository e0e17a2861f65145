import { systemError } from "../../base/error.ts";
import type { Format } from "../../codec/format.ts";
import type { CallerState } from "../protocol.ts";
import { AskingSide } from "./asking/asking-side.ts";
import type { Request } from "./asking/request.ts";
import type { Session } from "./session.ts";

/** Calls back over the connection that a peer has made: it dials nothing, and is over with the connection. */
export class PeerCaller extends AskingSide {
  readonly waiting: number = 0;
  readonly #session: Session;

  constructor(session: Session, itemBytesMax: number) {
    super(session.env, itemBytesMax);
    this.#session = session;
  }

  get endpoint(): string {
    return this.#session.connection.peer.address;
  }

  get state(): CallerState {
    const { open, draining, peerEnded } = this.#session;
    return open && !draining && !peerEnded ? "ready" : "closed";
  }

  get format(): Format | undefined {
    return this.#session.format;
  }

  protected send(request: Request, now: number): void {
    if (this.state === "closed") {
      throw systemError("UNAVAILABLE", "the peer is gone, or about to go", {
        executed: "no",
        advice: "nobody can be called back before it connects again",
      });
    }
    this.#session.send(request, now);
    this.watch(request);
  }

  // No request waits for a connection, and none has another one to go to.
  expired(_request: Request): void {}
  left(_request: Request): void {}
  elsewhere(_request: Request): boolean {
    return false;
  }

  /** The connection is not ours to close: it belongs to who has made it. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}
