export { refuseOtherUser, refuseWithoutShm, shmMoverOf, shmOfferOf } from "./mover-of.ts";
export { shmSettings, type ShmOptions, type ShmSettings } from "./settings.ts";
