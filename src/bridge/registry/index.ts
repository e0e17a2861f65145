export { registry } from "./registry.ts";
export type { RegistryOptions, RunningRegistry } from "./registry.ts";
export { Registry } from "./contract.ts";
export type {
  LeaseKnown,
  LeaseName,
  RegisterRequest,
  RegistryOverview,
  RegistrySnapshot,
  ServiceName,
} from "./contract.ts";
