import { systemError } from "../../base/error.ts";

/** A server as an AsyncAPI document names it. */
export interface ServerObject {
  readonly host: string;
  readonly protocol: string;
  readonly protocolVersion?: string;
  readonly pathname?: string;
  readonly description?: string;
}

/** What AsyncAPI calls the protocols of our addresses. */
const named: Readonly<Record<string, Pick<ServerObject, "protocol" | "protocolVersion">>> = {
  amqp: { protocol: "amqp", protocolVersion: "0.9.1" },
  amqps: { protocol: "amqps", protocolVersion: "0.9.1" },
  kafka: { protocol: "kafka" },
  kafkas: { protocol: "kafka-secure" },
};

/** Hosts that one address may name. */
const hostsMax = 32;

/**
 * The servers at the addresses of brokers, by name: one for each host, `production`, `production-2`. Credentials are left out.
 *
 * @throws TrunklineError INVALID_ARGUMENT for what is no address of a broker.
 */
export function serversAt(
  addresses: Readonly<Record<string, string>>,
): Readonly<Record<string, ServerObject>> {
  return Object.fromEntries(
    Object.entries(addresses).flatMap(([name, address]) => {
      const match = /^([a-z][a-z0-9+]*):(?:\/\/)?(?:[^@/]*@)?([^@/?]*)(\/[^@?]*)?(?:\?.*)?$/.exec(
        address,
      );
      const [, scheme = "", hosts = "", path] = match ?? [];
      // Of one that cannot be read nothing is said: it may hold a password.
      if (match === null || !/^[A-Za-z0-9_-]+$/.test(name))
        throw systemError(
          "INVALID_ARGUMENT",
          `the server ${JSON.stringify(name)} cannot be described: its name has letters, digits, "-" and "_", its address is one of a broker`,
          { executed: "no", advice: 'write { production: "amqp://rabbit.example.org:5672" }' },
        );
      const { protocol, protocolVersion } = named[scheme] ?? { protocol: scheme };
      return hosts
        .split(",")
        .slice(0, hostsMax)
        .map((host, index): [string, ServerObject] => [
          index === 0 ? name : `${name}-${index + 1}`,
          {
            host: host === "" ? "localhost" : host,
            protocol,
            ...(protocolVersion === undefined ? {} : { protocolVersion }),
            ...(path === undefined || path === "/" ? {} : { pathname: path }),
          },
        ]);
    }),
  );
}

/** The protocol by which CloudEvents and bindings are written: `kafka-secure` is Kafka. */
export function protocolOf({ protocol }: ServerObject): string {
  return protocol.replace(/^kafka-secure$/, "kafka").replace(/^amqps$/, "amqp");
}
