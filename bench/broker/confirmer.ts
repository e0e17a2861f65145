// Confirms every message at once, hands it to whoever consumes, and keeps nothing: with it for a broker, a client is as fast as it
// can be. `confirmer.ts`
import { createServer, type AddressInfo, type Socket } from "node:net";
import { once } from "node:events";
import { answer } from "../child.ts";
import { Fields, frameKind, headOctets, methodFrame, methods, protocolHeader } from "./frames.ts";
import { ackFrame } from "./raw-connection.ts";

const answers: Readonly<Record<number, readonly [number, Fields]>> = {
  [methods.connectionStartOk]: [methods.connectionTune, new Fields().u16(1).u32(131_072).u16(0)],
  [methods.connectionOpen]: [methods.connectionOpenOk, new Fields().short("")],
  [methods.channelOpen]: [methods.channelOpenOk, new Fields().long("")],
  [methods.confirmSelect]: [methods.confirmSelectOk, new Fields()],
  [methods.queueDeclare]: [methods.queueDeclareOk, new Fields().short("q").u32(0).u32(0)],
  [methods.queueDelete]: [methods.queueDeleteOk, new Fields().u32(0)],
  [methods.qos]: [methods.qosOk, new Fields()],
  [methods.consume]: [methods.consumeOk, new Fields().short("c")],
};

const start = new Fields().u8(0).u8(9).table({}).long("PLAIN").long("en_US");
const deliver = new Fields().short("c").u64(0).u8(0).short("").short("q");
const deliverFrame = methodFrame(1, methods.deliver, deliver);
const tagAt = headOctets + 4 + 2 + 4;

let consumer: Socket | undefined;
let delivered = 0;

function serve(socket: Socket): void {
  let left: Buffer = Buffer.alloc(0);
  let greeted = false;
  let published = 0;
  socket.on("data", (chunk: Buffer) => {
    const data = left.length === 0 ? chunk : Buffer.concat([left, chunk]);
    let at = greeted ? 0 : protocolHeader.length;
    if (!greeted) socket.write(methodFrame(0, methods.connectionStart, start));
    greeted = true;
    const before = published;
    const out: Buffer[] = [];
    while (data.length - at >= headOctets) {
      const next = at + headOctets + data.readUInt32BE(at + 3) + 1;
      if (next > data.length) break;
      const method = data[at] === frameKind.method ? data.readUInt32BE(at + headOctets) : 0;
      if (method === methods.publish) {
        published++;
        if (consumer !== undefined) out.push(delivery());
      } else if (method === 0) out.push(data.subarray(at, next));
      else reply(socket, data.readUInt16BE(at + 1), method);
      at = next;
    }
    if (consumer !== undefined && out.length > 0) consumer.write(Buffer.concat(out));
    if (published > before) socket.write(ackFrame(published));
    left = data.subarray(at);
  });
  socket.on("error", () => {});
}

function delivery(): Buffer {
  const frame = Buffer.from(deliverFrame);
  frame.writeUInt32BE(++delivered, tagAt);
  return frame;
}

function reply(socket: Socket, channel: number, method: number): void {
  const known = answers[method];
  if (known !== undefined) socket.write(methodFrame(channel, ...known));
  if (method !== methods.consume) return;
  delivered = 0;
  consumer = socket;
  socket.once("close", () => (consumer = undefined));
}

const server = createServer({ noDelay: true }, serve).listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address() as AddressInfo;
answer(async () => undefined, JSON.stringify({ port, pid: process.pid }));
