/** `1,204` */
export function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** `1 item`, `2 items` */
export function several(value: number, one: string): string {
  return `${count(value)} ${one}${value === 1 ? "" : "s"}`;
}

/** Milliseconds to the microsecond, for programs. */
export function exact(durationMs: number): number {
  return Math.round(durationMs * 1_000) / 1_000;
}

/** `0.12 ms`, `37 ms`, `1.2 s` */
export function latency(durationMs: number): string {
  if (durationMs >= 1_000) return `${(durationMs / 1_000).toFixed(1)} s`;
  return `${durationMs >= 10 ? durationMs.toFixed(0) : durationMs.toFixed(2)} ms`;
}

/** `3 h 12 min`, `40 s` */
export function age(durationMs: number): string {
  const seconds = Math.floor(durationMs / 1_000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days > 0) return `${days} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

/** `812 B`, `4.0 KiB`, `1.2 GiB` */
export function bytes(value: number): string {
  let size = value;
  for (const unit of ["B", "KiB", "MiB"]) {
    if (size < 1_024) return `${unit === "B" ? size : size.toFixed(1)} ${unit}`;
    size /= 1_024;
  }
  return `${size.toFixed(1)} GiB`;
}
