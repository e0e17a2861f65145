export { docker, type DockerOptions } from "./docker.ts";
export { listed, type ListedOptions } from "./listed.ts";
export type { RegistrarEvent, TargetState } from "./event.ts";
export { registrar, type Registrar, type RegistrarOptions } from "./registrar.ts";
export type { HealthCheck, Target, TargetSource } from "./target.ts";
