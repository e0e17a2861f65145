import { test } from "node:test";
import { unix } from "./src/transport/unix/unix.ts";
import { rest } from "./src/protocol/rest/rest.ts";
import { Stage } from "./src/protocol/suite/stage.ts";
test("x", { timeout: 4000 }, () => Stage.set({ make: () => rest({ http2: "always" }).over(unix()), address: () => `http+unix:/tmp/par-${process.pid}.sock` }, async (stage) => {
  const { echo } = stage.operations("suite", 1, { echo: { kind: "call" } });
  stage.services.answer(echo, (i) => (console.log("served", i), i));
  const { caller, server } = await stage.pair();
  setTimeout(() => console.log(caller.state, caller.waiting, server.connections, server.inFlight), 1000);
  console.log(await caller.call(echo, "new", stage.attempt()));
}));
