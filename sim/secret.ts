/** What handlers and doorkeepers throw; it must never reach a caller. */
export const secret = "the secret of the server";
