// `trunkline/store`: messages as a part of database transactions. The stores themselves have a subpath each.
export { outbox, Outbox } from "../../messaging/outbox/outbox.ts";
export type { InTransaction, OutboxOptions } from "../../messaging/outbox/outbox.ts";
export type { OutboxOperation, PublishInTransaction } from "../../call/message-type.ts";
export type { InboxOptions } from "../../messaging/inbox/retention.ts";
export type { RefusedPolicy, RelayOptions } from "../../messaging/outbox/relay-terms.ts";
export type { RelayStats } from "../../messaging/outbox/relay.ts";
export type { Dialect, Listening, Store, StoreCapabilities } from "../../store/store.ts";
export type { Transaction } from "../../store/transaction.ts";
export type { Finding } from "../../store/finding.ts";
export type { Following, LogListener, LogState, StoreLog } from "../../store/log.ts";
export type { Migration } from "../../store/migration.ts";
export type {
  Attempts,
  InboxKey,
  InboxRows,
  Processed,
  Succession,
} from "../../store/inbox-rows.ts";
export type { KeyRows, KnownKey } from "../../store/key-rows.ts";
export type {
  DeadOutboxRow,
  Kept,
  LaneStatus,
  Lease,
  NewOutboxRow,
  OutboxRow,
  OutboxRows,
  OutboxStatus,
  Parking,
  RowName,
} from "../../store/outbox-rows.ts";
