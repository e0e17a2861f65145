export { gateway, type Gateway, type GatewayStats } from "./gateway.ts";
export type {
  Admitted,
  GatewayAuthorize,
  GatewayOptions,
  GatewayRequest,
  GatewaySettings,
  KeyOptions,
  LimitOptions,
  MirrorOptions,
  PartOptions,
  RouteMatch,
  RouteOptions,
  TargetOptions,
} from "./options.ts";
export {
  checkGatewayFile,
  gatewayFromFile,
  type FileGateway,
  type GatewayFromFileOptions,
} from "./file/gateway-from-file.ts";
export { gatewaySchema } from "./file/gateway-schema.ts";
export type { RouteStats } from "./plan.ts";
export type { HeaderRules } from "./policy/header-rules.ts";
export { router, type RouterOptions } from "./router.ts";
export { learnContracts, type Learned } from "./file/learn-contracts.ts";
export { learnService } from "./file/learn-service.ts";
