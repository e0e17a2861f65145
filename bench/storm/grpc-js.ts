import {
  Client,
  credentials,
  Server,
  ServerCredentials,
  type sendUnaryData,
  type ServerUnaryCall,
} from "@grpc/grpc-js";
import { promisify } from "node:util";
import { deadlineMs, kinds, type StormPeer } from "../../demo/storm/peer.ts";

/** JSON in place of Protobuf: what is asked here is not how fast it is. */
const toBytes = (id: string): Buffer => Buffer.from(JSON.stringify(id));
const fromBytes = (bytes: Buffer): string => JSON.parse(bytes.toString()) as string;

const service = "storm.v1.Storm";

/**
 * The policy of https://grpc.io/docs/guides/retry/ : for the service as a whole, by status. What may run twice cannot be
 * said in it. Balanced as https://grpc.io/docs/guides/custom-load-balancing/ and the README of grpc-js say.
 */
const serviceConfig = {
  loadBalancingConfig: [{ round_robin: {} }],
  methodConfig: [
    {
      name: [{ service }],
      retryPolicy: {
        maxAttempts: 4,
        initialBackoff: "0.1s",
        maxBackoff: "1s",
        backoffMultiplier: 2,
        retryableStatusCodes: ["UNAVAILABLE"],
      },
    },
  ],
};

export const peer: StormPeer = {
  async serve({ port }, work) {
    const server = new Server();
    const handle = (called: ServerUnaryCall<string, string>, done: sendUnaryData<string>): void => {
      void work(called.request).then((id) => done(null, id));
    };
    const methods = kinds.map((kind) => [
      kind,
      {
        path: `/${service}/${kind}`,
        requestStream: false,
        responseStream: false,
        requestSerialize: toBytes,
        requestDeserialize: fromBytes,
        responseSerialize: toBytes,
        responseDeserialize: fromBytes,
      },
    ]);
    const handlers = Object.fromEntries(kinds.map((kind) => [kind, handle]));
    server.addService(Object.fromEntries(methods), handlers);
    const insecure = ServerCredentials.createInsecure();
    await promisify(server.bindAsync.bind(server))(`127.0.0.1:${port}`, insecure);
    // https://grpc.io/docs/guides/server-graceful-stop/
    process.on("SIGTERM", () => server.tryShutdown(() => process.exit()));
  },
  async connect(replicas) {
    const list = replicas.map(({ port }) => `127.0.0.1:${port}`).join(",");
    const client = new Client(`ipv4:${list}`, credentials.createInsecure(), {
      "grpc.service_config": JSON.stringify(serviceConfig),
    });
    await promisify(client.waitForReady.bind(client))(Date.now() + 10_000);
    return (kind, id) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          `/${service}/${kind}`,
          toBytes,
          fromBytes,
          id,
          { deadline: Date.now() + deadlineMs },
          (error, answer) => (error === null ? resolve(answer!) : reject(error)),
        );
      });
  },
};
