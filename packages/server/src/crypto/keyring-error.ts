/** The server cannot start with the keys that it was given, or a command cannot do its work with them. */
export class KeyringError extends Error {
  override readonly name = "KeyringError";
}
