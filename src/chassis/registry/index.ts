export { registry } from "../../bridge/registry/registry.ts";
export type { RegistryOptions, RunningRegistry } from "../../bridge/registry/registry.ts";
export { Registry } from "../../bridge/registry/contract.ts";
export type {
  LeaseKnown,
  LeaseName,
  RegisterRequest,
  RegistryOverview,
  RegistrySnapshot,
  ServiceName,
} from "../../bridge/registry/contract.ts";
export { evidenceAt, registryAt } from "../registry-at.ts";
export type { EvidenceTerms, SharedEvidence } from "../../bridge/evidence/client.ts";
