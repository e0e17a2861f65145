import type { Socket } from "node:net";

import type { Peer } from "../../base/peer.ts";
import { credentialsOf, type Credentials } from "./credentials.ts";

/** The other end of a local socket. Who that is, is asked when somebody wants to know, and then remembered. */
export class UnixPeer implements Peer {
  readonly address: string;
  readonly sameHost = true;
  #socket: Socket | undefined;
  #credentials: Credentials | undefined;

  constructor(address: string, socket: Socket) {
    this.address = address;
    this.#socket = socket;
  }

  /** Not told of a process of another pid namespace: the system says 0. */
  get pid(): number | undefined {
    return this.#asked()?.pid || undefined;
  }

  get uid(): number | undefined {
    return this.#asked()?.uid;
  }

  get gid(): number | undefined {
    return this.#asked()?.gid;
  }

  #asked(): Credentials | undefined {
    if (this.#socket === undefined) return this.#credentials;
    this.#credentials = credentialsOf(this.#socket);
    this.#socket = undefined;
    return this.#credentials;
  }
}
