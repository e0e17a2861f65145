// Serves the desk at an address, says where, and ends in order on SIGTERM.
import { appendFileSync } from "node:fs";
import { chassis, serve } from "trunkline";
import { tls } from "trunkline/transport/tls";
import { Desk, type Terms } from "./contract.ts";

const terms = JSON.parse(process.argv[2]!) as Terms;
const { address, sameHost = "auto", tls: material } = terms;
/** Where each number is noted before it is answered; none: nowhere. */
const notes = process.argv[3];

await using app = await chassis({
  name: "desk",
  listen: address,
  insecure: true,
  sameHost,
  transports:
    material === undefined ? [] : [tls({ ...material, clientCertificate: "required", sameHost })],
  // Nobody else may ask anything: whoever has moved is still the one that has shown this certificate.
  authorize: (peer) => material === undefined || peer.certificate?.subject === "CN=clerk",
  serve: [
    serve(Desk, {
      up(number) {
        if (notes !== undefined) appendFileSync(notes, `${number}\n`);
        return number;
      },
      who: (_, { peer }) => ({
        address: peer.address,
        ...(peer.certificate === undefined ? {} : { subject: peer.certificate.subject }),
      }),
    }),
  ],
});
console.log(app.addresses[0]);
await app.stopped;
