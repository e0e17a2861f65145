import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Env } from "../../../base/env.ts";
import { realEnv } from "../../../base/real-env.ts";
import { FileBroker } from "../file-broker.ts";
import { Folder, type FolderTerms } from "../folder.ts";
import { engine, type OpenEngine } from "../engine.ts";

/** A folder for one test, and as many processes that use it as are wanted: each has a `Folder` of its own. */
export class SharedFolder {
  readonly path: string;
  readonly env: Env = realEnv();
  readonly #openEngine: OpenEngine;
  #pids = 0;

  constructor(context: TestContext, openEngine: OpenEngine = engine({})) {
    this.path = realpathSync(mkdtempSync(join(tmpdir(), "trunkline-file-")));
    this.#openEngine = openEngine;
    context.after(() => rmSync(this.path, { recursive: true, force: true }));
  }

  folder(terms: Partial<FolderTerms> = {}): Folder {
    const name = `process ${++this.#pids}`;
    const given = { folder: this.path, name, pid: this.#pids, waitMs: 5_000, handOverMs: 1_000 };
    return new Folder({ ...given, openEngine: this.#openEngine, ...terms }, this.env);
  }

  open(folder: Folder = this.folder(), waitMs: number = 5_000): Promise<FileBroker> {
    return FileBroker.open(folder, { name: "user", waitMs }, this.env);
  }
}
