export { loan, loanBytesMax, seal } from "../os/loan.ts";
export {
  createTable,
  type CreateTableOptions,
  type TableOptions,
  type TableWriter,
} from "./table.ts";
export {
  openTable,
  type ChangeOptions,
  type OpenTableOptions,
  type TableReader,
} from "./table-reader.ts";
