import { deepEqual, doesNotMatch, equal, match, throws } from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { parseAddress, socketPathBytesMax } from "./address.ts";

const read: readonly [
  text: string,
  normal: string,
  protocol: string,
  transport: string,
  place: string,
][] = [
  ["memory:orders", "memory:orders", "rsocket", "memory", "orders"],
  ["worker:pool-1", "worker:pool-1", "rsocket", "worker", "pool-1"],
  ["stdio:", "stdio:", "rsocket", "stdio", ""],
  ["unix:/run/orders.sock", "unix:/run/orders.sock", "rsocket", "unix", "/run/orders.sock"],
  ["unix:/run/./a/../orders.sock", "unix:/run/orders.sock", "rsocket", "unix", "/run/orders.sock"],
  ["unix:/run/a b@c:d.sock", "unix:/run/a b@c:d.sock", "rsocket", "unix", "/run/a b@c:d.sock"],
  ["fifo:/run/orders", "fifo:/run/orders", "rsocket", "fifo", "/run/orders"],
  ["tcp://host:7400", "tcp://host:7400", "rsocket", "tcp", "host:7400"],
  ["tcp://Host.Example:07400/", "tcp://host.example:7400", "rsocket", "tcp", "host.example:7400"],
  ["tcp://[::1]:0", "tcp://[::1]:0", "rsocket", "tcp", "[::1]:0"],
  ["tls://10.0.0.7:65535", "tls://10.0.0.7:65535", "rsocket", "tls", "10.0.0.7:65535"],
  ["http://host", "http://host:80", "rest", "tcp", "host:80"],
  ["https://host/", "https://host:443", "rest", "tls", "host:443"],
  ["connect+tcp://host:1", "connect+tcp://host:1", "connect", "tcp", "host:1"],
  ["http://host:80", "http://host:80", "rest", "tcp", "host:80"],
  ["https://host:443", "https://host:443", "rest", "tls", "host:443"],
  ["grpc://host:50051", "grpc://host:50051", "grpc", "tcp", "host:50051"],
  ["grpcs://host:50051", "grpcs://host:50051", "grpc", "tls", "host:50051"],
  ["http+unix:/run/x.sock", "http+unix:/run/x.sock", "rest", "unix", "/run/x.sock"],
  ["grpc+unix:/run/x.sock", "grpc+unix:/run/x.sock", "grpc", "unix", "/run/x.sock"],
  ["rsocket+tcp://host:1", "rsocket+tcp://host:1", "rsocket", "tcp", "host:1"],
  ["service:orders", "service:orders", "service", "service", "orders"],
];

for (const [text, normal, protocol, transport, place] of read) {
  test(`${text} is read as ${normal}`, () => {
    deepEqual(parseAddress(text), { text: normal, protocol, transport, place });
    deepEqual(parseAddress(normal), parseAddress(text));
  });
}

test("an address without connections names the protocol of datagrams, and its terms in one order", () => {
  const udp = parseAddress("udp://127.0.0.1:7000");
  deepEqual([udp.protocol, udp.transport, udp.place], ["datagram", "udp", "127.0.0.1:7000"]);
  const group = parseAddress("udp+multicast://239.1.2.3:7000?ttl=1&interface=10.0.0.7");
  equal(group.text, "udp+multicast://239.1.2.3:7000?interface=10.0.0.7&ttl=1");
  deepEqual(group.parameters, { interface: "10.0.0.7", ttl: "1" });
  deepEqual([group.transport, group.place], ["udp+multicast", "239.1.2.3:7000"]);
  deepEqual(parseAddress(group.text), group);
  const signal = parseAddress("signal:4711?signal=SIGUSR2");
  deepEqual([signal.protocol, signal.place], ["signal", "4711"]);
  equal(parseAddress("unixgram:/run/m.sock").protocol, "datagram");
});

const refused: readonly [text: string, words: RegExp][] = [
  ["", /does not begin with a scheme/],
  ["orders", /does not begin with a scheme/],
  ["/run/orders.sock", /does not begin with a scheme/],
  ["UNIX:/run/x.sock", /does not begin with a scheme/],
  [
    "sctp://host:1",
    /"sctp" is not known[^]*memory, worker, stdio, fifo, unixgram, udp, [^]*unix, tcp, tls, http, https, grpc, grpcs, service/,
  ],
  ["carrier+unix:/run/x", /"carrier" is not known[^]*rsocket, http, grpc/],
  ["http+grpc://host:1", /"grpc" already names a protocol/],
  ["unix:", /the path is missing: unix:\/run/],
  ["unix:///run/x.sock", /one colon, without \/\/: unix:\/run\/x\.sock/],
  ["unix:/run/\0.sock", /NUL/],
  ["memory:", /write a name/],
  ["service:", /write a name/],
  ["service://orders", /write a name/],
  ["rsocket+service:orders", /"service" already names a protocol/],
  ["memory://orders", /write a name/],
  ["memory:a b", /write a name/],
  ["stdio:x", /nothing follows/],
  ["tcp:host:1", /two slashes: tcp:\/\/host/],
  ["tcp://host", /the port is missing/],
  ["tcp://host:", /from 0 to 65535/],
  ["tcp://host:65536", /from 0 to 65535/],
  ["tcp://host:-1", /from 0 to 65535/],
  ["tcp://host:1e3", /from 0 to 65535/],
  ["tcp://:7400", /the host is missing/],
  ["tcp://::1:7400", /stands in brackets: tcp:\/\/\[::1\]/],
  ["tcp://[::1]", /the port is missing/],
  ["tcp://[1.2.3.4]:1", /is not a host/],
  ["tcp://[::1:1", /stands in brackets/],
  ["tcp://ho st:1", /"ho st" is not a host/],
  ["tcp://host:1/orders", /nothing may follow the port/],
  ["http://host:1?x=1", /nothing may follow the port/],
  ["udp://host:1?ttl=1", /nothing may follow the port/],
  ["udp+multicast://239.1.2.3:1?ttl=1&ttl=2", /interface=…&ttl=…, each at most once/],
  ["udp+multicast://239.1.2.3:1?loop", /interface=…&ttl=…/],
  ["signal:reload", /the number of a process/],
  ["signal:0", /the number of a process/],
  ["tcp+udp://host:1", /"tcp" is not known/],
];

for (const [text, words] of refused) {
  test(`${JSON.stringify(text)} is refused in words that help`, () => {
    throws(() => parseAddress(text), { code: "INVALID_ARGUMENT", executed: "no", message: words });
  });
}

test("credentials are refused and never printed", () => {
  for (const text of [
    "tcp://me:secret@host:1",
    "tcp://me:se/cr@et@host:1",
    "amqp://me:secret@host",
    "tcp:me:secret@host",
  ]) {
    throws(
      () => parseAddress(text),
      (error: Error) => {
        doesNotMatch(error.message, /secret|se\/cr|me:/);
        match(error.message, /\*\*\*@host/);
        return true;
      },
    );
  }
});

test("a relative path is made absolute where it is read", () => {
  equal(parseAddress("unix:./run/x.sock").place, join(process.cwd(), "run/x.sock"));
  equal(parseAddress("unix:x.sock").text, `unix:${join(process.cwd(), "x.sock")}`);
});

test("a path that does not fit into the address of a socket is refused with its length in bytes", () => {
  const fits = `/${"é".repeat((socketPathBytesMax - 1) / 2)}`;
  equal(Buffer.byteLength(fits), socketPathBytesMax);
  equal(parseAddress(`unix:${fits}`).place, fits);
  throws(() => parseAddress(`unix:${fits}x`), {
    code: "INVALID_ARGUMENT",
    message: /is 108 bytes long; the path of a socket may have 107[^]*choose a shorter folder/,
  });
});
