// One contract, one set of handlers, and each client writes as it likes: the format is chosen where the contract is served and
// called. What a server does not speak is sent as JSON.
import { chassis, client, serve } from "trunkline";
import { cbor } from "trunkline/codec/cbor";
import { msgpack } from "trunkline/codec/msgpack";
import { xml } from "trunkline/codec/xml";
import { Measurements } from "./measurements.contract.ts";

interface Measurement {
  readonly sensor: string;
  readonly at: number;
  readonly celsius: number;
}

const stored: Measurement[] = [];

await using app = await chassis({
  name: "measurements",
  listen: "unix:./measurements.sock",
  formats: [msgpack(), xml()],
  serve: [
    serve(Measurements, {
      async store(items) {
        for await (const item of items) stored.push(item);
        return stored.length;
      },
      async *latest({ sensor }) {
        yield* stored.filter((each) => each.sensor === sensor);
      },
    }),
  ],
});

const address = app.addresses[0]!;
await using packed = client(Measurements, address, { format: msgpack() });
await using marked = client(Measurements, address, { format: xml() });
await using other = client(Measurements, address, { format: cbor() }); // not spoken there: JSON

const measured = [20.5, 21, -0.25].map((celsius, at) => ({ sensor: "roof", at, celsius }));
console.log(`stored as MessagePack: ${await packed.store(measured)}`);
for await (const { at, celsius } of marked.latest({ sensor: "roof" }))
  console.log(`read as XML: ${celsius} °C at ${at}`);
for await (const { celsius } of other.latest({ sensor: "roof" })) {
  console.log(`read as JSON: ${celsius} °C`);
  break;
}
