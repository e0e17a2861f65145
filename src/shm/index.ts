export { loan, loanBytesMax, seal } from "../os/loan.ts";
