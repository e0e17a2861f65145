import { codecs } from "../../codec/codecs.ts";
import { majorVersion, minorVersion } from "../../wire/limits.ts";
import { setupBytes, writeSetup, type Setup } from "../../wire/setup.ts";
import type { CallerBounds } from "./bounds.ts";
import type { ContractName, Operation } from "../operation.ts";
import { metadataMimeType } from "./metadata.ts";
import type { Session } from "./session.ts";
import { encodeIntroduction, operationsMax, wireVersion } from "./setup.ts";

/** The data of SETUP and of METADATA_PUSH is JSON. */
const dataMimeType = "application/json";

const codecNames: readonly string[] = codecs.map((codec) => codec.name);

/** Sends the SETUP: who we are and which contracts we are about to use. Nobody waits for an answer. */
export function introduce(
  session: Session,
  client: CallerBounds,
  operations: readonly Operation[],
): void {
  const contracts = new Set<ContractName>();
  let numbered = 0;
  for (const { owner, siblings } of operations) {
    // What cannot be numbered is refused when it is sent.
    if (contracts.has(owner) || numbered + siblings.length > operationsMax) continue;
    numbered += siblings.length;
    contracts.add(owner);
    session.number(siblings);
  }
  const introduction = {
    wire: wireVersion,
    codecs: codecNames,
    instance: client.instance,
    itemBytesMax: client.itemBytesMax,
    contracts: [...contracts],
  };
  const setup: Setup = {
    majorVersion,
    minorVersion,
    keepaliveMs: client.keepaliveMs,
    lifetimeMs: client.lifetimeMs,
    lease: false,
    resumeToken: undefined,
    metadataMime: metadataMimeType,
    dataMime: dataMimeType,
    metadata: undefined,
    data: Buffer.from(encodeIntroduction(introduction)),
  };
  const { connection } = session;
  const at = connection.claim(setupBytes(setup));
  connection.commit(writeSetup(connection.outgoing, at, setup));
}
