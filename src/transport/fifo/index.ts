export { fifo } from "./fifo.ts";
