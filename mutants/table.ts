import type { Mutant } from "./mutant.ts";
import { amqpMutants } from "./amqp-mutants.ts";
import { bridgeMutants } from "./bridge-mutants.ts";
import { callMutants } from "./call-mutants.ts";
import { consumerMutants } from "./consumer-mutants.ts";
import { channelMutants } from "./channel-mutants.ts";
import { deadLetterMutants } from "./dead-letter-mutants.ts";
import { directMutants } from "./direct-mutants.ts";
import { discoveryMutants } from "./discovery-mutants.ts";
import { embeddedMutants } from "./embedded-mutants.ts";
import { embeddedPortMutants } from "./embedded-port-mutants.ts";
import { embeddedRoutingMutants } from "./embedded-routing-mutants.ts";
import { formatMutants } from "./format-mutants.ts";
import { fragmentMutants } from "./fragment-mutants.ts";
import { gatewayMutants } from "./gateway-mutants.ts";
import { inboxMutants } from "./inbox-mutants.ts";
import { ipcMutants } from "./ipc-mutants.ts";
import { itemMutants } from "./item-mutants.ts";
import { kafkaMutants } from "./kafka-mutants.ts";
import { keyMutants } from "./key-mutants.ts";
import { messagingMutants } from "./messaging-mutants.ts";
import { mmapMutants } from "./mmap-mutants.ts";
import { outboxMutants } from "./outbox-mutants.ts";
import { protobufMutants } from "./protobuf-mutants.ts";
import { protocolMutants } from "./protocol-mutants.ts";
import { registryMutants } from "./registry-mutants.ts";
import { replyMutants } from "./reply-mutants.ts";
import { resilienceMutants } from "./resilience-mutants.ts";
import { sharedFileMutants } from "./shared-file-mutants.ts";

/** Every way in which the library is broken on purpose. */
export const mutants: readonly Mutant[] = [
  ...amqpMutants,
  ...protocolMutants,
  ...channelMutants,
  ...fragmentMutants,
  ...callMutants,
  ...itemMutants,
  ...formatMutants,
  ...protobufMutants,
  ...resilienceMutants,
  ...discoveryMutants,
  ...registryMutants,
  ...bridgeMutants,
  ...directMutants,
  ...deadLetterMutants,
  ...messagingMutants,
  ...gatewayMutants,
  ...consumerMutants,
  ...replyMutants,
  ...kafkaMutants,
  ...keyMutants,
  ...embeddedMutants,
  ...embeddedPortMutants,
  ...embeddedRoutingMutants,
  ...outboxMutants,
  ...inboxMutants,
  ...ipcMutants,
  ...mmapMutants,
  ...sharedFileMutants,
];
