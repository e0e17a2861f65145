/** Who hears what is wrong with a run. */
export interface Complaints {
  complain(what: string): void;
}

/** Plays a run to its end: that it breaks off, or that nobody waits for a failure, is a complaint. */
export async function watched<Stage extends Complaints>(
  stage: Stage,
  play: (stage: Stage) => Promise<void>,
): Promise<void> {
  const floating = (error: unknown): void => {
    stage.complain(`nobody waits for a failure: ${String(error)}`);
  };
  process.on("unhandledRejection", floating);
  try {
    await play(stage);
  } catch (error) {
    stage.complain(`the run broke off: ${error instanceof Error ? error.stack : String(error)}`);
  }
  process.off("unhandledRejection", floating);
}
