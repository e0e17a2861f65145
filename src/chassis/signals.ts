/** The signals by which a supervisor or a person asks a process to stop. */
const stopSignals = ["SIGTERM", "SIGINT"] as const;

/** Calls `first` on the first signal and `second` on the next; returns how to stop listening. */
export function onStopSignals(first: () => void, second: () => void): () => void {
  let asked = false;
  const heard = (): void => {
    if (asked) second();
    else first();
    asked = true;
  };
  for (const signal of stopSignals) process.on(signal, heard);
  return () => {
    for (const signal of stopSignals) process.off(signal, heard);
  };
}
