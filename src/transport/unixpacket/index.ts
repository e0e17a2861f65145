export { unixpacket, type UnixPacketOptions } from "./unixpacket.ts";
