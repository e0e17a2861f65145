import { equal } from "node:assert/strict";
import { connect } from "node:http2";
import { test } from "node:test";
import { realEnv } from "../../base/real-env.ts";
import { parseAddress } from "../../transport/address.ts";
import { tcp } from "../../transport/tcp/index.ts";
import { declare } from "../suite/declare.ts";
import { Services } from "../suite/services.ts";
import { grpc } from "./index.ts";

test(
  "a handler that waits for items hears that the body is no base64",
  { timeout: 30_000 },
  async () => {
    const services = new Services();
    const { add } = declare("sums", 1, { add: { kind: "upload" } });
    const heard = Promise.withResolvers<string>();
    services.take(add, async (_head, items) => {
      const reading = items.open((item) => item);
      try {
        for await (const _ of reading);
        heard.resolve("the end");
      } catch (error) {
        heard.resolve(String(error));
        throw error;
      }
    });
    const env = realEnv();
    const address = parseAddress("grpc://127.0.0.1:0");
    const server = await grpc().over(tcp()).serve(address, services, {}, env);
    const session = connect(server.address.text.replace("grpc:", "http:"));
    const stream = session.request({
      ":method": "POST",
      ":path": "/sums.v1.Sums/Add",
      "content-type": "application/grpc-web-text",
    });
    stream.end("\0\0\0!?");
    try {
      equal(/INVALID_ARGUMENT: the body is no base64/.test(await heard.promise), true);
    } finally {
      session.destroy();
      await server.drain(0);
    }
  },
);
