import { ClientNode } from "./client-node.ts";
import { ServerNode } from "./server-node.ts";
import { Stage } from "./stage.ts";

/** One run: a stage and the nodes on it. */
export interface Scene {
  readonly stage: Stage;
  readonly servers: readonly ServerNode[];
  readonly clients: readonly ClientNode[];
}

export function makeScene(seed: number, tell: ((line: string) => void) | undefined): Scene {
  const stage = new Stage(seed, tell);
  const { servers, clients } = stage.plan;
  return {
    stage,
    servers: Array.from({ length: servers }, (_, index) => new ServerNode(stage, index)),
    clients: Array.from({ length: clients }, (_, index) => new ClientNode(stage, index)),
  };
}
