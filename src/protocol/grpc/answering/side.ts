import type { Env } from "../../../base/env.ts";
import type { Incoming } from "../../incoming.ts";

/** What a request needs of the connection that brought it. */
export interface Side {
  readonly env: Env;
  readonly itemBytesMax: number;
  /** A handler begins. */
  began(incoming: Incoming): void;
  /** It has settled. */
  settled(incoming: Incoming): void;
}
