import { rabbitmqVersion } from "../../../broker/embedded/definitions/export.ts";
import type { Json } from "../../../broker/embedded/storage.ts";
import { ok, type Asked, type Place, type Reply } from "../asked.ts";
import type { Route } from "../routes.ts";

const exchangeTypes: readonly Json[] = [
  ["direct", "the routing key is that of the binding"],
  ["fanout", "all that is bound"],
  ["headers", "the headers are those of the binding"],
  ["topic", "the routing key matches the pattern of the binding"],
  ["x-consistent-hash", "one of what is bound, by the routing key, as evenly as the weights say"],
  ["x-modulus-hash", "one of what is bound, by the routing key"],
  ["x-random", "one of what is bound, by chance"],
].map(([name, description]) => ({ name: name!, description: description!, enabled: true }));

const mechanisms: readonly Json[] = ["PLAIN", "AMQPLAIN", "EXTERNAL"].map((name) => ({
  ...{ name, description: `SASL ${name}`, enabled: true },
}));

function overview(asked: Asked): Reply {
  const { place } = asked;
  const totals = { messages: 0, messages_ready: 0, messages_unacknowledged: 0 };
  const objects = { channels: 0, connections: 0, consumers: 0, exchanges: 0, queues: 0 };
  for (const host of asked.hosts()) {
    for (const queue of host.queues()) {
      totals.messages_ready += queue.ready;
      totals.messages_unacknowledged += queue.unsettled;
      objects.consumers += queue.consumers.length;
      objects.queues++;
    }
    objects.exchanges += [...host.topology.exchanges()].length;
  }
  totals.messages = totals.messages_ready + totals.messages_unacknowledged;
  for (const { channels, user } of place.book.connections()) {
    if (!asked.has("monitoring") && user !== asked.user.name) continue;
    objects.connections++;
    objects.channels += channels.length;
  }
  return ok({
    ...{ management_version: rabbitmqVersion, rabbitmq_version: rabbitmqVersion },
    ...{ product_name: "Trunkline", product_version: place.version, cluster_name: place.name },
    ...{ node: place.name, erlang_version: "none", erlang_full_version: "none" },
    ...{ rates_mode: "none", disable_stats: false, enable_queue_totals: true },
    ...{ exchange_types: exchangeTypes, message_stats: {}, churn_rates: {}, contexts: [] },
    ...{ cluster_tags: {}, node_tags: {}, default_queue_type: "classic" },
    ...{ queue_totals: totals, object_totals: objects, statistics_db_event_queue: 0 },
    ...{ listeners: shownListeners(place), release_series_support_status: "supported" },
  });
}

function shownListeners(place: Place): readonly Json[] {
  return place
    .listeners()
    .map(({ protocol, host, port }) => ({ node: place.name, protocol, ip_address: host, port }));
}

function nodes(asked: Asked): readonly Json[] {
  const { place, node } = asked;
  const { blocked, env } = node;
  return [
    {
      ...{ name: place.name, type: "disc", running: true, being_drained: false, partitions: [] },
      ...{ mem_alarm: blocked === "memory", disk_free_alarm: blocked === "disk" },
      ...{ uptime: Math.floor(env.now() - place.since), rates_mode: "none", processors: 1 },
      ...{ exchange_types: exchangeTypes, auth_mechanisms: mechanisms, applications: [] },
      ...{ contexts: [], enabled_plugins: [], config_files: [], log_files: [], cluster_links: [] },
      // What nobody counts here; a tool of RabbitMQ reads no answer that leaves it out.
      ...{ net_ticktime: 60, run_queue: 0, os_pid: "0", db_dir: "", fd_total: 0, proc_total: 0 },
      ...{ mem_limit: 0, mem_used: 0, disk_free_limit: 0, sockets_total: 0 },
    },
  ];
}

export const overviewRoutes: readonly Route[] = [
  { path: "overview", GET: overview },
  {
    path: "whoami",
    GET: ({ user }) => ok({ name: user.name, tags: [...user.tags], is_internal_user: true }),
  },
  { path: "nodes", role: "monitoring", list: true, GET: (asked) => ok(nodes(asked)) },
  { path: "nodes/:name", role: "monitoring", GET: (asked) => ok(nodes(asked)[0]!) },
  { path: "cluster-name", GET: ({ place }) => ok({ name: place.name }) },
  { path: "extensions", GET: () => ok([]) },
  { path: "auth", GET: () => ok({ oauth_enabled: false, enable_uaa: false }) },
  { path: "feature-flags", list: true, role: "monitoring", GET: () => ok([]) },
  { path: "deprecated-features", list: true, role: "monitoring", GET: () => ok([]) },
  { path: "deprecated-features/used", list: true, role: "monitoring", GET: () => ok([]) },
];
