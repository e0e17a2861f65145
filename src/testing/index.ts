// The simulator: the whole stack in virtual time, over a network with faults.
export { SimEnv, virtualEnv, World } from "./sim-env.ts";
export { SimNetwork, type DialFaults } from "./sim-network.ts";
export type { SimConnection } from "./sim-connection.ts";
export type { Latency } from "./sim-link.ts";
export { WireWatch } from "./wire-watch.ts";

// The suites: what a port promises, as cases for any test runner, and for node:test.
export { transportCases, type TransportCase, type TransportSubject } from "../transport/suite.ts";
export { corpus as codecCorpus } from "../codec/suite/corpus.ts";
export type { Sample as CodecSample } from "../codec/suite/sample.ts";
export {
  brokerCases,
  type BrokerCase,
  type BrokerStand,
  type BrokerSubject,
} from "../broker/suite.ts";
export { codecCases, type CodecCase, type CodecTerms } from "../codec/suite.ts";
export {
  discoveryCases,
  type DiscoveryCase,
  type DiscoverySubject,
  type Grip,
  type RegistryStand,
} from "../discovery/suite.ts";
export {
  storeCases,
  type StoreCase,
  type StorePart,
  type StoreStand,
  type StoreSubject,
} from "../store/suite.ts";
export { protocolCases, type ProtocolCase, type ProtocolSubject } from "../protocol/suite.ts";
export {
  clientCases,
  overProtocol,
  type ClientCase,
  type ClientSubject,
  type ClientTerms,
  type Serving,
  type ServingTerms,
} from "../call/client-suite.ts";
export { register, type SuiteCase } from "./register.ts";

// Certificates for what listens on `tls:` in a test, without a file and without another program.
export {
  selfSigned,
  testAuthority,
  type Issued,
  type IssueOptions,
  type TestAuthority,
} from "../transport/tls/testing/authority.ts";

// What transports promise, as the table of the docs.
export { brokersTable, type NamedBroker } from "../broker/capabilities-table.ts";
export { protocolsTable } from "../protocol/capabilities-table.ts";
export { discoveriesTable } from "../discovery/capabilities-table.ts";
export { capabilitiesTable } from "../transport/capabilities-table.ts";
