import { frameBytesLimit } from "../outgoing-bounds.ts";
import type { Transport } from "../transport.ts";
import { dialChild } from "./dial.ts";
import { listenOnPipes } from "./listen.ts";
import { settingsOf, type StdioOptions } from "./options.ts";
import { noCommand } from "./refusal.ts";

/**
 * Connections between a process and its child over anonymous pipes. The address is `stdio:` on both sides; the parent
 * dials, which starts the command, one child for each connection, and the child listens.
 *
 * A child that listens on stdin and stdout has no stdout for itself any more: what it (and `console.log`) writes there
 * from then on goes to stderr. What does not come by `process.stdout`, such as a program that inherits descriptor 1, breaks
 * the frames; use `fds: [3, 4]` then. The child may be any program that speaks the frames, and so may the parent.
 * A parent that is not a Node process may connect with plain pipes, by which its death looks like an end.
 *
 * The death of the child is told with its exit code or signal; what it had sent is delivered before. `peer.pid` is that of the child. That the peer is on the
 * same host is true of the process at the other end of the pipes, which may be a tunnel (`ssh`).
 *
 * `dial` rejects, always with `executed: "no"`: UNAVAILABLE when there is no such command, PERMISSION_DENIED when it may
 * not be run, RESOURCE_EXHAUSTED when there may be no more processes or files, INVALID_ARGUMENT without a command.
 * `listen` rejects: INVALID_ARGUMENT when the descriptors are no pipes, UNAVAILABLE when they are in use.
 */
export function stdio(options: StdioOptions = {}): Transport {
  const settings = settingsOf(options);
  const { command } = settings;
  return {
    name: "stdio",
    capabilities: {
      ordered: true,
      reliable: true,
      frameBytesMax: frameBytesLimit,
      crossProcess: true,
      crossHost: false,
      noticesDeath: true,
      connections: "one",
    },
    dial: async (address, dialOptions, env) => {
      if (command === undefined) throw noCommand(address);
      return dialChild(address, { ...settings, command }, dialOptions, env);
    },
    listen: (address, accept, listenOptions, env) =>
      listenOnPipes(address, settings.fds, accept, listenOptions, env),
  };
}
