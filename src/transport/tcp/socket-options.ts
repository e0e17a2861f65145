/**
 * What every TCP socket is made with. Frames are gathered before they are written, so Nagle would only delay them. After
 * `keepAliveInitialDelay` without a word the system asks the peer, ten times a second apart, and then gives the
 * connection up: that clears away what a vanished host has left also where no protocol keeps watch. Bytes that a
 * vanished peer does not confirm are bounded by the protocol's own keep-alive, which is sooner.
 */
export const socketOptions = {
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: 15_000,
} as const;
