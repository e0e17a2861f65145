export { syncClient, type SyncClientOptions } from "./sync-client.ts";
export type { SyncCallOptions, SyncClient, SyncStreamOptions } from "./sync-client-type.ts";
