import type { ClientHttp2Stream } from "node:http2";

import type { Env } from "../../../base/env.ts";
import type { Sink, Source } from "../../protocol.ts";
import { Outlet } from "../answering/outlet.ts";

/** What a request needs done with its items. */
export interface ItemsForm {
  /** One item as it stands on the wire. Throws what the request is to fail with. */
  written(item: unknown): Buffer;
  /** The source has failed, with what it threw. */
  failed(error: unknown): void;
  /** An item was taken, or there are no more. */
  progressed(): void;
}

/** The items that a request of ours sends: its source runs when it may, as far as HTTP takes what it gives. */
export class SentItems implements Sink {
  readonly #source: Source;
  readonly #form: ItemsForm;
  readonly #env: Env;
  #outlet: Outlet | undefined;
  #stream: ClientHttp2Stream | undefined;
  #wake: (() => void) | undefined;
  closed = false;

  constructor(source: Source, form: ItemsForm, env: Env) {
    this.#source = source;
    this.#form = form;
    this.#env = env;
  }

  /** The source was asked: the request cannot be sent a second time. */
  get began(): boolean {
    return this.#outlet !== undefined;
  }

  get ready(): boolean {
    return !this.closed && this.#outlet?.writable === true;
  }

  begin(stream: ClientHttp2Stream): void {
    if (this.began || this.closed) return;
    this.#stream = stream;
    this.#outlet = new Outlet(stream, this.#env);
    void this.#run();
  }

  async #run(): Promise<void> {
    try {
      await this.#source(this);
    } catch (error) {
      if (this.closed) return; // nobody waits for these items any more
      this.#form.failed(error);
      return;
    }
    this.complete();
  }

  whenReady(): Promise<void> {
    if (this.closed || this.ready) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#outlet!.whenDrained(this.#drained);
    });
  }

  readonly #drained = (): void => {
    if (this.#wake === undefined) return;
    this.#form.progressed();
    if (this.closed || this.ready) this.#wakeUp();
    else this.#outlet!.whenDrained(this.#drained);
  };

  put(item: unknown): void {
    if (this.closed) return;
    this.#outlet!.write(this.#form.written(item));
    this.#form.progressed();
  }

  /** There are no more items. */
  complete(): void {
    if (this.closed) return;
    const { destroyed, writableEnded } = this.#stream!;
    this.close();
    this.#form.progressed();
    if (!destroyed && !writableEnded) this.#outlet!.end();
  }

  /** The request is over, or its server wants no more. */
  close(): void {
    this.closed = true;
    this.#wakeUp();
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
