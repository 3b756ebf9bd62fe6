const maxPasswordLength = 64;
const minEntropyBits = 52;

/** Hashes with argon2id. The module is native and loaded with the first password. */
export async function hashPassword(password: string): Promise<string> {
  const { hash } = await import("@node-rs/argon2");
  return hash(password);
}

let nobodysHash: Promise<string> | undefined;

/**
 * Whether the password is the one that was hashed. Without a hash the same work is done in vain, so that
 * the time tells nothing about which accounts exist.
 */
export async function verifyPassword(hashed: string | null, password: string): Promise<boolean> {
  const { verify } = await import("@node-rs/argon2");
  if (hashed !== null) return verify(hashed, password);
  nobodysHash ??= hashPassword("nobody has this password");
  await verify(await nobodysHash, password);
  return false;
}

/** What is wrong with a new password; `null` when it is good enough (access.md 2.3). */
export function passwordWeakness(password: string): string | null {
  if (password.length > maxPasswordLength) {
    return `password must have at most ${maxPasswordLength} characters, got ${password.length}.`;
  }
  const bits = Math.floor(entropyBits(password));
  if (bits >= minEntropyBits) return null;
  return `password is too easy to guess. Make it longer, or mix letters, digits and signs.`;
}

/** Estimates the entropy: the alphabet in use, to the power of the length without runs and repeats. */
function entropyBits(password: string): number {
  const classes: [RegExp, number][] = [
    [/[a-z]/, 26],
    [/[A-Z]/, 26],
    [/[0-9]/, 10],
    [/[ !"#$%&'()*+,./:;<=>?@[\\\]^_`{|}~-]/, 33],
    [/[^ -~]/, 100],
  ];
  const alphabet = classes.reduce((sum, [pattern, size]) => sum + (pattern.test(password) ? size : 0), 0);
  let length = 0;
  const codes = Array.from(password, (char) => char.codePointAt(0) ?? 0);
  for (const [index, code] of codes.entries()) {
    const [before, last] = [codes[index - 2], codes[index - 1]];
    // The third of "aaa", "abc" or "321" adds nothing.
    const goesOn =
      before !== undefined &&
      last !== undefined &&
      Math.abs(code - last) <= 1 &&
      code - last === last - before;
    if (!goesOn) length++;
  }
  return alphabet === 0 ? 0 : length * Math.log2(alphabet);
}
