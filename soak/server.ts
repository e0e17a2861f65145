// A server in a process of its own: `server.ts FOLDER [ADDRESS…]` listens there, or on one address of each kind.
import { join } from "node:path";
import { answer } from "../bench/child.ts";
import { issueIn } from "../bench/certificate.ts";
import { figures } from "./figures.ts";
import { serveMixed } from "./service.ts";

const [folder, ...given] = process.argv.slice(2);
const certificate = issueIn(folder!);
const listen =
  given.length > 0
    ? given
    : [`unix:${join(folder!, "steady.sock")}`, "tcp://127.0.0.1:0", "tls://127.0.0.1:0"];
const app = await serveMixed(listen, certificate);

answer(figures, JSON.stringify({ addresses: app.addresses, ca: certificate.ca }));
await app.stopped;
process.exit();
