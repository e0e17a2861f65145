import { majorVersion, minorVersion } from "../../../wire/limits.ts";
import { setupBytes, writeSetup, type Setup } from "../../../wire/setup.ts";
import type { Connection } from "../../../transport/transport.ts";
import type { CallerBounds } from "../bounds.ts";

/** The data of SETUP, of METADATA_PUSH, and of requests with composite metadata that do not say otherwise. */
const jsonMime = "application/json";

/** Sends the SETUP. Nobody waits for an answer. */
export function sendSetup(
  connection: Connection,
  { keepaliveMs, lifetimeMs }: CallerBounds,
  metadataMime: string,
  data: Uint8Array,
  dataMime: string = jsonMime,
): void {
  const setup: Setup = {
    majorVersion,
    minorVersion,
    keepaliveMs,
    lifetimeMs,
    lease: false,
    resumeToken: undefined,
    metadataMime,
    dataMime,
    metadata: undefined,
    data,
  };
  const at = connection.claim(setupBytes(setup));
  connection.commit(writeSetup(connection.outgoing, at, setup));
}
