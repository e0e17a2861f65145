import { join } from "node:path";
import { chassis, client, isTrunklineError, serve } from "trunkline";
import { credentials } from "../credentials.ts";
import type { Seat, StormPeer } from "./peer.ts";
import { Runway } from "./runway.ts";

/** The replicas are found by the name of their contract; nothing else is configured. */
export const peer: StormPeer = {
  async serve(seat, work) {
    await chassis({
      name: `runway-${seat.number}`,
      listen: listenAt(seat),
      transports: transportsOf(seat, `runway-${seat.number}`),
      register: { discovery: seat.registry },
      serve: [
        serve(Runway, {
          look: (id) => work(id),
          reserve: (id) => work(id),
          land: (id) => work(id),
        }),
      ],
    });
  },
  async connect(_, seat) {
    const runway = client(Runway, "service:runway", {
      discovery: seat.registry,
      transports: transportsOf(seat, callerName),
    });
    return (kind, id) => runway[operations[kind]](id);
  },
  told: (error) => (isTrunklineError(error) ? error.executed : undefined),
};

/** Who calls, to who asks for a certificate. */
export const callerName = "caller";

const operations = { idempotent: "look", byKey: "reserve", plain: "land" } as const;

function listenAt({ over, number, port, folder }: Seat): string {
  return over === "unix"
    ? `unix:${join(folder, `runway-${number}.sock`)}`
    : `${over}://127.0.0.1:${port}`;
}

/** Who listens where others can come shows a certificate, and asks for one. */
function transportsOf({ over, folder }: Seat, name: string): ReturnType<typeof credentials>[] {
  return over === "https" || over === "grpcs" ? [credentials(folder, name)] : [];
}
