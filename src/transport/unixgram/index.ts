export { unixgram, type UnixgramOptions } from "./unixgram.ts";
