// What a user writes with: contracts, clients, servers.
export { bytes, call, contract, info, notification, stream } from "./contract/index.ts";
export type { AnyContract, Contract, Input, Output, Schema } from "./contract/index.ts";
export { chassis } from "./chassis/chassis.ts";
export type { Chassis, ChassisOptions, StopBudgets, Stopped } from "./chassis/chassis.ts";
export { client, close, stateOf } from "./chassis/client.ts";
export type { ClientOptions } from "./chassis/client.ts";
export { serve } from "./call/serve.ts";
export type { Service } from "./call/serve.ts";
export type {
  CallOptions,
  Client,
  Failure,
  ItemStream,
  Result,
  StreamOptions,
} from "./call/client-type.ts";
export type { HandlerContext, Handlers } from "./call/handlers-type.ts";
export { currentTrace, detached } from "./call/served-context.ts";

// What goes wrong, and when.
export { isTrunklineError, TrunklineError } from "./base/error.ts";
export type { DeclaredError, SystemError } from "./base/error.ts";
export type { Executed, SystemCode } from "./base/outcome.ts";
export { Deadline } from "./base/deadline.ts";
export type { Duration } from "./base/duration.ts";
export type { TraceContext } from "./base/trace.ts";

// For interceptors and observers.
export type { Context, Handler, Interceptor, Kind } from "./base/handler.ts";
export type { Peer } from "./base/peer.ts";
export type {
  CallEvent,
  ConnectionEvent,
  IncidentEvent,
  RefusalEvent,
} from "./base/diagnostics.ts";
