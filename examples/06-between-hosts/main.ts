// Mutual TLS: both sides show a certificate, and the server decides by name who may do what. In real life client and server
// are on two hosts, and the certificates come from files: `tls({ files: { cert, key, ca } })` reads them anew when they change.
import { chassis, client, serve, type Authorize } from "trunkline";
import { testAuthority } from "trunkline/testing";
import { tls } from "trunkline/transport/tls";
import { Vault } from "./vault.contract.ts";

const authority = testAuthority();
const ca = authority.cert;

const mayRead = new Set(["CN=ada"]);
const authorize: Authorize = ({ certificate }, operation) =>
  operation.name !== "vault.read" || mayRead.has(certificate?.subject ?? "");

const knocked = Promise.withResolvers<void>();
await using app = await chassis({
  name: "vault",
  listen: "tls://127.0.0.1:0", // port 0: a free one, which app.addresses tells
  transports: [
    tls({
      ...authority.issue({ name: "vault", hosts: ["127.0.0.1"] }),
      ca,
      clientCertificate: "required",
    }),
  ],
  authorize,
  serve: [
    serve(Vault, {
      read: (name, { peer }) => `${name}, for ${peer.certificate!.subject}`,
      knock: (text) => {
        console.log(`knock: ${text}`);
        knocked.resolve();
      },
    }),
  ],
});

for (const name of ["ada", "mallory"]) {
  const transports = [tls({ ...authority.issue({ name }), ca })];
  await using vault = client(Vault, app.addresses[0]!, { transports });
  const result = await vault.read.result("the crown jewels");
  if (result.ok) console.log(result.value);
  else console.log(`${result.error.code} ${name}, executed: ${result.error.executed}`);
  if (name === "mallory") await vault.knock("it was only a question");
}
await knocked.promise;

// Who has no certificate of this authority does not even get a connection.
await using stranger = client(Vault, app.addresses[0]!, {
  transports: [tls({ ca })],
  connectWait: "500ms",
});
const refused = await stranger.read.result("the crown jewels");
if (!refused.ok) console.log(`${refused.error.code} stranger, executed: ${refused.error.executed}`);

// And nobody listens in the open by mistake.
const open = chassis({ name: "vault", listen: "tcp://0.0.0.0:0", serve: [] });
await open.catch((error: Error) => console.log(error.message.split("\n")[1]!.trim()));
