import { isIPv4, type AddressInfo, type Server } from "node:net";

import type { Address } from "../address.ts";
import { hostOf, portOf, withPort } from "../host-port.ts";
import { addressesOf, type Lookup } from "./lookup.ts";
import { hostUnknown, listenRefused } from "./refusal.ts";

/** Connections that the system holds for us until we accept them; more have to try again. */
const backlog = 511;

/**
 * Binds the server to one address, of a name the first that is IPv4, and listens. Returns the address with the port that
 * it got.
 */
export async function bind(server: Server, address: Address, lookup: Lookup): Promise<Address> {
  const found = await addressesOf(hostOf(address), lookup).catch((error: unknown) => {
    throw hostUnknown(address, error);
  });
  const host = found.find(isIPv4) ?? found[0];
  if (host === undefined) throw hostUnknown(address, undefined);
  await new Promise<void>((resolve, reject) => {
    const onError = (error: Error): void => {
      server.off("listening", onListening);
      reject(listenRefused(address, error));
    };
    const onListening = (): void => {
      // Later errors are those of single accepts (no file descriptor left); the next connection is tried again.
      server.off("error", onError).on("error", () => {});
      resolve();
    };
    server.once("error", onError).once("listening", onListening);
    // In a cluster worker too the socket is ours and not the primary's.
    server.listen({ host, port: portOf(address), exclusive: true, backlog });
  });
  return withPort(address, (server.address() as AddressInfo).port);
}
