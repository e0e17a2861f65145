import type { Connected } from "../peer.ts";
import type { Job } from "../work.ts";
import { Blocks } from "./blocks.ts";
import { Echo } from "./echo.ts";
import type { Wire } from "./wire.ts";

/** A bare peer, connected by two wires: one for echoes, one for blocks. */
export function bareConnected(
  echoWire: Wire,
  blocksWire: Wire,
): Pick<Connected, "call" | "isRight" | "read"> {
  const echo = new Echo(echoWire);
  const blocks = new Blocks(blocksWire);
  return {
    call: (job: Job) => echo.send(job.bytes),
    isRight: (_job, same) => same === true,
    read: (_flow, over) => blocks.read(over),
  };
}
