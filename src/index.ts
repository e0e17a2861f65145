// What a user writes with: contracts, clients, servers.
export {
  bytes,
  call,
  command,
  contract,
  describe,
  document,
  duplex,
  event,
  gather,
  info,
  notification,
  stream,
  upload,
} from "./contract/index.ts";
export type { Codec } from "./codec/codec.ts";
export type { Format, PayloadType } from "./codec/format.ts";
export type { AnyContract, Contract, Input, Output, Schema } from "./contract/index.ts";
export { chassis } from "./chassis/chassis.ts";
export type { Chassis, ChassisOptions } from "./chassis/chassis.ts";
export type { StopBudgets, StopOptions, Stopped } from "./chassis/ending.ts";
export type { SignalOptions, SpareSignal } from "./chassis/signals.ts";
export { client, close, stateOf, statsOf } from "./chassis/client.ts";
export type { CallbackOptions, ClientOptions } from "./chassis/client-options.ts";
export { discoveryAt } from "./chassis/registries.ts";
export type {
  Discovery,
  DiscoveryCapabilities,
  Instance,
  InstanceState,
  Lease,
  Locality,
  RegisterOptions,
  Snapshot,
  Watch,
} from "./discovery/discovery.ts";
export type { ClientState, EndpointState } from "./chassis/client-state.ts";
export type {
  BreakerPolicy,
  CacheOptions,
  CallPolicy,
  HedgeOptions,
  LimitOptions,
  OperationPolicy,
  ResilienceOptions,
  RetryOptions,
} from "./pipeline/terms.ts";
export type {
  RegistrationOptions,
  RegistrationState,
  RegistrationStats,
} from "./chassis/registration.ts";
export { Health } from "./chassis/health.ts";
export type { HealthQuestion, HealthReport } from "./chassis/health.ts";
export { Reflection } from "./chassis/reflection.ts";
export type { ProcessDescription, ServedContract } from "./chassis/reflection.ts";
export type { AddressStats, ChassisStats, ClientStats } from "./chassis/stats.ts";
export type { OperationStats } from "./call/meter.ts";
export type { LatencySummary } from "./base/histogram.ts";
export type { Authorize } from "./call/authorization.ts";
export type { AdmissionOptions, Priority } from "./call/load/admission-options.ts";
export { memoryKeys } from "./call/keys/memory-keys.ts";
export type { KeyStoreFactory, MemoryKeysOptions } from "./call/keys/memory-keys.ts";
export type {
  Claim,
  Ending,
  KeptError,
  KeyStore,
  TransactionalKeyStore,
} from "./call/keys/key-store.ts";
export { storeKeys } from "./call/keys/store-keys.ts";
export type { StoreKeysOptions, TransactionalKeyStoreFactory } from "./call/keys/store-keys.ts";
export type { AdmissionStats, LaneStats } from "./call/load/load-gate.ts";
export type { BrokerChoice, ConfiguredBroker } from "./chassis/broker-at.ts";
export { openBroker } from "./chassis/broker-at.ts";
export { receive } from "./chassis/receiver.ts";
export type { ReceiveOptions } from "./chassis/receiver.ts";
export type { NextOptions, ReceivedItem, Receiver } from "./chassis/pulled.ts";
export { bind } from "./messaging/channels.ts";
export type { Binding, BindingTerms } from "./messaging/channels.ts";
export type { ConsumerStats } from "./messaging/consumer-terms.ts";
export { deadLetters } from "./messaging/dead/dead-letter.ts";
export type {
  ChannelChoice,
  DeadLetter,
  DeadLetterList,
  DeadLetterTerms,
} from "./messaging/dead/dead-letter.ts";
export { redrive } from "./messaging/dead/redrive.ts";
export type { RedriveLetter, RedriveReport, RedriveTerms } from "./messaging/dead/redrive.ts";
export type { LetterFilter } from "./messaging/dead/sequence.ts";
export { on } from "./messaging/on.ts";
export type {
  ConsumeTerms,
  GatherHandler,
  MessageContext,
  MessageHandler,
  TransactionalContext,
  MessageInfo,
  Subscriber,
} from "./messaging/on.ts";
export { park, reject, retryLater } from "./messaging/outcome.ts";
export type { Parked, Rejected, RetryLater, Verdict } from "./messaging/outcome.ts";
export type { RetryTerms } from "./messaging/retry.ts";
export { onBatch } from "./messaging/batches/on-batch.ts";
export type {
  BatchConsumeTerms,
  BatchContext,
  BatchHandler,
  BatchVerdict,
} from "./messaging/batches/on-batch.ts";
export type { BatchTerms } from "./messaging/batches/collector.ts";
export type { SaltingTerms } from "./messaging/hot-keys/placement.ts";
export type { DistributionStats } from "./messaging/hot-keys/distribution.ts";
export { absence, countWithin, followedBy, onPattern } from "./messaging/patterns/on-pattern.ts";
export type {
  Pattern,
  PatternContext,
  PatternHandler,
  PatternMatch,
  PatternTerms,
} from "./messaging/patterns/on-pattern.ts";
export type { Dropped } from "./messaging/patterns/matcher.ts";
export { steps } from "./messaging/steps/steps.ts";
export type { Steps } from "./messaging/steps/steps.ts";
export type { StepContext } from "./messaging/steps/run-steps.ts";
export type { Where } from "./messaging/where.ts";
export type { Guarantee } from "./base/guarantee.ts";
export { serve } from "./call/serve.ts";
export type { Service } from "./call/serve.ts";
export { serveOlder } from "./call/serve-older.ts";
export type { ServiceTerms } from "./call/service-terms.ts";
export type { Conversions } from "./call/conversion-type.ts";
export { currentTrace, detached } from "./call/served-context.ts";

// The types behind a client and behind handlers, for signatures of one's own.
export type {
  CallMethod,
  CallOptions,
  Client,
  DuplexMethod,
  HeadOptions,
  ItemStream,
  NotificationMethod,
  StreamMethod,
  StreamOptions,
  UploadMethod,
} from "./call/client-type.ts";
export type { Failed, Failure, Result, Success } from "./call/result-type.ts";
export type { Items } from "./call/items.ts";
export type {
  Answer,
  AnswerFailure,
  CommandHandle,
  CommandMethod,
  Gathered,
  GatherMethod,
  GatherOptions,
  Handled,
  HandledOptions,
  Publish,
  Published,
  PublishMethod,
  PublishOptions,
  ReplyOptions,
} from "./call/message-type.ts";
export { pages, type PageFields } from "./call/pages.ts";
export type {
  CallHandler,
  DuplexHandler,
  ErrorMakers,
  HandlerContext,
  TransactionContext,
  Handlers,
  HeadedContext,
  NotificationHandler,
  StreamHandler,
  UploadHandler,
} from "./call/handlers-type.ts";

// How a client of a service chooses an endpoint.
export { roundRobin, uniformRandom, weighted } from "./discovery/balancing/in-turn.ts";
export { randomSubset, type RandomSubsetOptions } from "./discovery/balancing/random-subset.ts";
export { rendezvous } from "./discovery/balancing/rendezvous.ts";
export { ringHash, type RingHashOptions } from "./discovery/balancing/ring-hash.ts";
export { leastRequest, p2c } from "./discovery/balancing/two-choices.ts";
export type { Balancer, Candidate, PickAsk } from "./discovery/balancing/balancer.ts";

// What goes wrong, and when.
export { isTrunklineError, TrunklineError } from "./base/error.ts";
export type { DeclaredError, SystemError } from "./base/error.ts";
export type { Executed, SystemCode } from "./base/outcome.ts";
export { Deadline } from "./base/deadline.ts";
export type { Duration } from "./base/duration.ts";
export type { TraceContext } from "./base/trace.ts";

// For interceptors and observers.
export type { Context, Handler, Interceptor, Kind, OperationName } from "./base/handler.ts";
export type { Peer, PeerCertificate } from "./base/peer.ts";
export type {
  AttemptEvent,
  BrokerEvent,
  CallEvent,
  ConnectionEvent,
  DeadLetterEvent,
  DiscoveryEvent,
  IncidentEvent,
  InboxEvent,
  MessageEvent,
  RefusalEvent,
} from "./base/diagnostics.ts";
export type { CallerState, DatagramCounts } from "./protocol/protocol.ts";
export type { Env } from "./base/env.ts";
export { realEnv } from "./base/real-env.ts";
