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
export type { RouteStats } from "./plan.ts";
export type { HeaderRules } from "./policy/header-rules.ts";
