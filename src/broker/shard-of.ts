/** The shard of a key: FNV-1a over its UTF-16 units. What has no key is in the first. */
export function shardOf(key: string | undefined, shards: number): number {
  if (key === undefined) return 0;
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index++)
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  return (hash >>> 0) % shards;
}
