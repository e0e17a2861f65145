export { signal, type SignalProtocolOptions } from "./signal.ts";
