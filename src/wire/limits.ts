/** The protocol's version as SETUP and RESUME carry it: RSocket 1.0. */
export const majorVersion = 1;
export const minorVersion = 0;

/** Stream id (31 bits) and frame type with flags (16 bits): before every frame. Section "Frame Header Format". */
export const headerBytes = 6;

/** The length before metadata, and before each frame on a byte stream: 24 bits. */
export const lengthBytes = 3;

/** The largest frame, without its length field, on any transport. Section "Max Frame Size". */
export const frameBytesMax = 0xff_ffff;

/** Initial credit, further credit: 31 bits. */
export const requestNBytes = 4;

/** The most credit that one REQUEST_N or request can give; the least is 1. */
export const requestNMax = 0x7fff_ffff;

/** The largest stream id. Clients use 1, 3, 5 …, servers 2, 4, 6 …; 0 is the connection. Section "Stream Identifiers". */
export const streamIdMax = 0x7fff_ffff;

/** The longest time in milliseconds that SETUP and LEASE can carry: 31 bits, 24.8 days. */
export const durationMsMax = 0x7fff_ffff;

/** The longest MIME type of a SETUP: its length is one byte. */
export const mimeBytesMax = 0xff;

/** The longest resume token: its length is two bytes. */
export const tokenBytesMax = 0xffff;

/**
 * The furthest position of a resumable connection that is held exactly. The field has 63 bits; what is beyond
 * 9 petabytes is rounded on receipt and not sent.
 */
export const positionMax: number = Number.MAX_SAFE_INTEGER;
