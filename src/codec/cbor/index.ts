export { cbor } from "./cbor.ts";
