// A process that handles messages in transactions: `consumer.ts PLACE NAME LOG`, until SIGTERM.
import { chassis } from "trunkline";
import { Log } from "../log.ts";
import { bindings } from "./contract.ts";
import { databaseAt } from "./database.ts";
import { handlersOf } from "./handlers.ts";
import { placeOf, relayOf } from "./place.ts";
import { untilStarted } from "./until-started.ts";

const { place, name, log: path } = placeOf(process.argv.slice(2));
const log = new Log(path);
await using database = await databaseAt(place.store);
const serve = handlersOf(database.store);
const app = await untilStarted(() =>
  chassis({ name, messages: place.broker, bindings, serve, relay: relayOf(place) }),
);
log.write("up", process.pid);
await app.stopped;
log.write("down");
log.close();
