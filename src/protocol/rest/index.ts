export { bindRest, type RestBinding } from "./binding/bind-rest.ts";
export type { RestTerms, RouteTerms } from "./binding/terms.ts";
export { lintRest } from "./lint.ts";
export type { Finding, LintTerms } from "./lint.ts";
export type { Severity } from "./lint-rules.ts";
export { restMount, type RestHandler, type RestMount, type RestMountOptions } from "./mount.ts";
export type { CorsOptions, RestOptions, RestServeOptions, VersionsBy } from "./options.ts";
export { rest } from "./rest.ts";
export type { Method } from "./route.ts";
