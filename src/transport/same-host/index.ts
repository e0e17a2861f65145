export { hostMoverOf } from "./host-mover.ts";
export { sameHostSettings, type SameHostOptions, type SameHostSettings } from "./settings.ts";
