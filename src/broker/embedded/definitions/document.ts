import type { Json } from "../storage.ts";

/**
 * A definitions file as RabbitMQ's management exports and imports it: all that was made in a broker, messages excepted. Of one virtual host alone the items name none.
 */
export interface DefinitionsDocument {
  readonly rabbit_version?: string;
  readonly rabbitmq_version?: string;
  readonly product_name?: string;
  readonly product_version?: string;
  readonly users?: readonly UserItem[];
  readonly vhosts?: readonly HostItem[];
  readonly permissions?: readonly PermissionItem[];
  readonly topic_permissions?: readonly TopicPermissionItem[];
  readonly parameters?: readonly ParameterItem[];
  readonly global_parameters?: readonly Json[];
  readonly policies?: readonly PolicyItem[];
  readonly queues?: readonly QueueItem[];
  readonly exchanges?: readonly ExchangeItem[];
  readonly bindings?: readonly BindingItem[];
}

export type Arguments = { readonly [name: string]: Json };

export interface UserItem {
  readonly name: string;
  /** In clear, where a person has written the file. */
  readonly password?: string;
  readonly password_hash?: string;
  readonly hashing_algorithm?: string;
  /** Where a password is kept in our way: RabbitMQ reads over it, and its user has no password until it gets a new one. */
  readonly trunkline_password_hash?: string;
  /** RabbitMQ before 3.9 wrote them with commas between. */
  readonly tags?: readonly string[] | string;
  readonly limits?: Arguments;
}

export interface HostItem {
  readonly name: string;
  readonly [more: string]: Json;
}

export interface PermissionItem {
  readonly user: string;
  readonly vhost: string;
  readonly configure: string;
  readonly write: string;
  readonly read: string;
}

export interface TopicPermissionItem {
  readonly user: string;
  readonly vhost: string;
  readonly exchange: string;
  readonly write: string;
  readonly read: string;
}

export interface ParameterItem {
  readonly component: string;
  readonly name: string;
  readonly vhost?: string;
  readonly value: Json;
}

export interface PolicyItem {
  readonly vhost?: string;
  readonly name: string;
  readonly pattern: string;
  readonly "apply-to"?: string;
  readonly priority?: number;
  readonly definition: Arguments;
}

export interface QueueItem {
  readonly vhost?: string;
  readonly name: string;
  readonly durable: boolean;
  readonly auto_delete: boolean;
  readonly arguments: Arguments;
}

export interface ExchangeItem extends QueueItem {
  readonly type: string;
  readonly internal: boolean;
}

export interface BindingItem {
  readonly vhost?: string;
  readonly source: string;
  readonly destination: string;
  readonly destination_type: string;
  readonly routing_key: string;
  readonly arguments: Arguments;
}
