/** The session could not be set up: a missing shell, no processes left, a full disk. */
export const INTERNAL_FAILURE = 229;
/** File transfer is blocked in this deployment. */
export const BLOCKED_FILE_TRANSFER = 65;
/** Ended by a signal. */
export const SIGNALLED = 255;
