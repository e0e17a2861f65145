import type { Socket } from "node:net";

import type { Peer } from "../../base/peer.ts";
import type { HttpConnection } from "./http-server.ts";

/** All connections of a server whose version is known. */
export class Links {
  readonly open: Set<Link> = new Set();
  inFlight = 0;
  /** Hears of each request that has ended, and of each connection that has closed. */
  told: (() => void) | undefined;
}

/** A connection as the server keeps it, for as long as its socket is open. */
export class Link implements HttpConnection {
  readonly peer: Peer;
  readonly version: "1.1" | "2";
  readonly socket: Socket;
  inFlight = 0;
  /** What had been read when it last became idle; more than that is the beginning of a request. */
  readBefore: number;
  readonly #links: Links;

  constructor(links: Links, socket: Socket, peer: Peer, version: "1.1" | "2") {
    this.#links = links;
    this.socket = socket;
    this.peer = peer;
    this.version = version;
    this.readBefore = 0;
    links.open.add(this);
    socket.on("close", () => {
      links.open.delete(this);
      links.inFlight -= this.inFlight;
      this.inFlight = 0;
      links.told?.();
    });
  }

  /** Counts a request; what it returns is called when the request has ended, in whatever way, or more often. */
  begin(): () => void {
    this.inFlight++;
    this.#links.inFlight++;
    let over = false;
    return () => {
      if (over || !this.#links.open.has(this)) return;
      over = true;
      this.inFlight--;
      this.#links.inFlight--;
      if (this.inFlight === 0) this.readBefore = this.socket.bytesRead;
      this.#links.told?.();
    };
  }
}

/** What serves the connections of one version. */
export interface Side {
  /** Takes over the socket, which is open. */
  take(link: Link): void;
  /** Tells every peer, now and later ones, that this server is going away. */
  drain(): void;
  /** Lets go of what the side itself holds, when no connection is left. */
  close(): void;
}
