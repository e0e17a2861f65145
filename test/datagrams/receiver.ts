// Receives notifications at the address that it is given, and tells its parent what has come.
import { chassis, serve, type Service } from "trunkline";
import { udp } from "trunkline/transport/udp";
import { Control, Level, Metrics } from "./contract.ts";

const [listen = "", what = "metrics", receiveBytes] = process.argv.slice(2);
const seen: unknown[] = [];
const services: Record<string, Service> = {
  metrics: serve(Metrics, { sample: ({ n }) => void seen.push(n) }),
  control: serve(Control, { reload: () => void seen.push("reload") }),
  level: serve(Level, { set: (level, { peer }) => void seen.push([level, peer.pid]) }),
};
const app = await chassis({
  name: "receiver",
  listen,
  serve: [services[what]!],
  transports: receiveBytes === undefined ? [] : [udp({ receiveBytes: Number(receiveBytes) })],
});
const tell = (): void => {
  process.send!({ address: app.addresses[0], seen, counts: app.stats().addresses[0]!.datagrams });
};
process.on("message", tell);
process.channel!.unref(); // it goes on for the sake of what it receives
tell();
await app.stopped;
process.disconnect(); // nothing else may keep it
