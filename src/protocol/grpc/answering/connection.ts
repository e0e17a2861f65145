import type { Env } from "../../../base/env.ts";
import { systemError, type SystemError } from "../../../base/error.ts";
import type { Incoming } from "../../incoming.ts";
import type { HttpConnection } from "../../http/http-server.ts";
import type { Side } from "./side.ts";

/** Who counts the requests of all connections. */
export interface Home {
  readonly env: Env;
  readonly bootId: string;
  readonly draining: boolean;
  readonly inFlightMax: number;
  readonly itemBytesMax: number;
  began(incoming: Incoming): void;
  settled(incoming: Incoming): void;
}

/** The requests of one connection. */
export class Connection implements Side {
  readonly env: Env;
  readonly itemBytesMax: number;
  readonly bootId: string;
  readonly http: HttpConnection;
  readonly #home: Home;
  #inFlight = 0;
  #greeted = false;

  constructor(http: HttpConnection, home: Home) {
    this.http = http;
    this.#home = home;
    this.env = home.env;
    this.itemBytesMax = home.itemBytesMax;
    this.bootId = home.bootId;
  }

  /** True for the first answer, which says who serves. */
  greet(): boolean {
    if (this.#greeted) return false;
    this.#greeted = true;
    return true;
  }

  began(incoming: Incoming): void {
    this.#inFlight++;
    this.#home.began(incoming);
  }

  settled(incoming: Incoming): void {
    this.#inFlight--;
    this.#home.settled(incoming);
  }

  /** Why nothing more is taken on for now; undefined when it is. */
  get refusal(): SystemError | undefined {
    if (this.#home.draining) {
      return systemError("UNAVAILABLE", "the server is shutting down", { executed: "no" });
    }
    // What has come and has not begun has its place already.
    const underWay = Math.max(this.#inFlight, this.http.inFlight - 1);
    const { inFlightMax } = this.#home;
    if (underWay < inFlightMax) return undefined;
    const reason = `${underWay} requests of this connection are under way, ${inFlightMax} are allowed`;
    return systemError("RESOURCE_EXHAUSTED", reason, { executed: "no", gate: "in flight" });
  }
}
