import { deepEqual } from "node:assert/strict";
import { suite, test } from "node:test";
import { channels, type ConnectionEvent } from "../../base/diagnostics.ts";
import type { Connection, Moves } from "../../transport/transport.ts";
import { tellConnection, tellMoves } from "./movements.ts";

suite("what is told of a connection that moves", () => {
  test("is where it moves, and after its end nothing", () => {
    const moves = { way: "shm", moving: false, stayed: undefined, onMoved: undefined };
    const connection = { moves: moves as unknown as Moves } as Connection;
    const told: unknown[] = [];
    const listen = (event: unknown): void => {
      const { endpoint, state } = event as ConnectionEvent;
      if (endpoint === "unix:/here") told.push(state);
    };
    channels.connection.subscribe(listen);
    const moved = (): void => connection.moves!.onMoved?.();
    tellMoves(connection, "client", "unix:/here");
    moved();
    tellConnection(connection, "client", "unix:/here", { state: "closed" });
    moved();
    channels.connection.unsubscribe(listen);
    deepEqual(told, ["moved", "closed"]);
  });
});
