// `trunkline/store/kysely`
export { kysely } from "./kysely.ts";
