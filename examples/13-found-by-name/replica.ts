// One of several that serve the greeter: it registers itself, and nobody has to know its address.
import { chassis, serve } from "trunkline";
import { Greeter } from "./greeter.contract.ts";

const name = process.argv[2]!;
await using app = await chassis({
  name,
  listen: `unix:./${name}.sock`,
  register: { discovery: "directory:./services", id: name },
  serve: [serve(Greeter, { hello: () => name })],
});
await app.stopped; // SIGTERM: it deregisters, drains, then this resolves
