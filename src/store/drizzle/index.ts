// `trunkline/store/drizzle`
export { drizzle } from "./drizzle.ts";
