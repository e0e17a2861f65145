import { alarmAt } from "../../base/alarm.ts";
import { backoff } from "../../base/backoff.ts";
import { channels } from "../../base/diagnostics.ts";
import type { Env } from "../../base/env.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../../base/error.ts";
import { placeError } from "../../broker/embedded/storage/place.ts";
import { detached } from "../../call/served-context.ts";
import { failedWaits, lookWaits, passingMax, scatterMs } from "./bounds.ts";
import { GuestLife } from "./guest-life.ts";
import type { Engine, OpenEngine } from "./engine.ts";
import type { Life } from "./life.ts";
import { OwnerLife } from "./owner-life.ts";
import { tryLock } from "./owner-lock.ts";
import { aboutOwner } from "./owner-note.ts";

/** Who uses a folder, and is told of each owner that it has. */
export interface FolderUser {
  /** There is an owner, which may be this process. */
  begun(life: Life): void;
  /** What came by the one before is worth nothing any more. */
  over(life: Life): void;
  /** The owner leaves: what is under way is to end within so many milliseconds. */
  leaving(withinMs: number): Promise<void>;
  /** This process could own the folder, and cannot use it; it tries again. */
  refused(error: TrunklineError): void;
}

/** Something more that an owner serves. */
export interface Face {
  /** Called when this process owns the folder. What it resolves with ends it, before another process owns that. */
  begin(engine: Engine): Promise<() => Promise<void>>;
  /** It could not begin. */
  failed(error: unknown): void;
}

export interface FolderTerms {
  /** Absolute, without links. */
  readonly folder: string;
  readonly name: string;
  readonly pid: number;
  readonly waitMs: number;
  readonly handOverMs: number;
  readonly openEngine: OpenEngine;
}

/**
 * A folder with a broker in it, as one process has it: the first that comes owns it, the others are its guests, and when the
 * owner is gone one of them is the next one. All users of a process share it.
 */
export class Folder {
  readonly address: string;
  readonly #terms: FolderTerms;
  readonly #env: Env;
  readonly #users = new Set<FolderUser>();
  readonly #faces = new Set<Face>();
  #life: Life | undefined;
  /** Why this process cannot own it, though nobody else does. */
  #failure: TrunklineError | undefined;
  /** How often, in a row, it could not be opened. */
  #refusals = 0;
  #closed = false;
  #running: Promise<void> | undefined;
  #wake: (() => void) | undefined;

  constructor(terms: FolderTerms, env: Env) {
    this.#terms = terms;
    this.#env = env;
    this.address = `file:${terms.folder}`;
  }

  get life(): Life | undefined {
    return this.#life;
  }

  /** Its last user has left: it is not joined again. */
  get closed(): boolean {
    return this.#closed;
  }

  join(user: FolderUser): void {
    this.#users.add(user);
    if (this.#life !== undefined) user.begun(this.#life);
    // On nobody's behalf: it outlives who asked for it.
    this.#running ??= detached(() => this.#run());
  }

  /** Serves something more whenever this process owns the folder. */
  serve(face: Face): void {
    this.#faces.add(face);
    if (this.#life instanceof OwnerLife) void this.#begin(face, this.#life);
  }

  /** With its last user this process leaves the folder; resolves when it has. */
  async leave(user: FolderUser): Promise<void> {
    if (!this.#users.delete(user) || this.#users.size > 0) return;
    this.#closed = true;
    this.#wake?.();
    await this.#life?.close();
    await this.#running;
  }

  /** Why there is no owner at the moment, for whoever has waited too long. */
  async problem(): Promise<TrunklineError> {
    if (this.#failure !== undefined) return this.#failure;
    const { reason, advice } = await aboutOwner(this.#terms.folder);
    return systemError(
      "UNAVAILABLE",
      `the folder ${this.#terms.folder} cannot be used: ${reason}`,
      {
        executed: "no",
        advice,
      },
    );
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#closed;) {
      const life = await this.#next(failures);
      if (life === undefined) {
        failures++;
        continue;
      }
      failures = 0;
      this.#refusals = 0;
      this.#failure = undefined;
      await this.#live(life);
    }
  }

  /** The next life, if there is one to be had now. */
  async #next(failures: number): Promise<Life | undefined> {
    try {
      const lock = tryLock(this.#terms.folder);
      if (lock !== undefined) return await OwnerLife.open(lock, this.#terms, this.#env);
    } catch (error) {
      await this.#refused(isTrunklineError(error) ? error : placeError(error, this.#terms.folder));
      return undefined;
    }
    const { folder, name, pid, waitMs } = this.#terms;
    try {
      return await GuestLife.open({ folder, address: this.address, name, pid, waitMs }, this.#env);
    } catch {
      await this.#pause(backoff(failures, lookWaits, () => this.#env.random()));
      return undefined;
    }
  }

  /** What a process that was killed had open is free a moment after its lock: that is no reason to give up. */
  async #refused(error: TrunklineError): Promise<void> {
    const passing = error.code === "UNAVAILABLE" && this.#refusals < passingMax;
    const waits = passing ? lookWaits : failedWaits;
    if (!passing) {
      this.#failure = error;
      for (const user of this.#users) user.refused(error);
    }
    await this.#pause(backoff(this.#refusals++, waits, () => this.#env.random()));
  }

  async #live(life: Life): Promise<void> {
    life.onLeaving = async (withinMs) => {
      await Promise.all([...this.#users].map((user) => user.leaving(withinMs)));
    };
    this.#life = life;
    this.#tell("connected", life.role === "owner" ? "this process owns it" : undefined);
    for (const user of [...this.#users]) user.begun(life);
    if (life instanceof OwnerLife) for (const face of this.#faces) void this.#begin(face, life);
    // It may have been closed while it began.
    if (this.#closed) void life.close();
    const reason = await life.ended;
    this.#life = undefined;
    for (const user of [...this.#users]) user.over(life);
    await life.close().catch(() => {}); // what failed has been told
    if (this.#closed) return;
    this.#tell("lost", reason);
    if (life.role === "guest") await this.#pause(this.#env.random() * scatterMs);
  }

  async #begin(face: Face, life: OwnerLife): Promise<void> {
    try {
      const end = await face.begin(life.engine);
      if (life.over) await end();
      else life.faces.add(end);
    } catch (error) {
      face.failed(error);
    }
  }

  #pause(waitMs: number): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      const go = (): void => {
        this.#env.clear(alarm);
        this.#wake = undefined;
        resolve();
      };
      const alarm = alarmAt(this.#env, this.#env.now() + waitMs, go);
      this.#wake = go;
    });
  }

  #tell(state: "connected" | "lost", reason: string | undefined): void {
    const { address } = this;
    if (channels.broker.hasSubscribers) channels.broker.publish({ address, state, reason });
  }
}
