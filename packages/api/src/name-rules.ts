import { shown } from "./shown.ts";

/** What a name may be (access.md 2.3). */
export type NameRule = {
  maxLength: number;
  pattern: RegExp;
  /** The pattern in words. */
  words: string;
  /** In lower case. */
  reserved: readonly string[];
};

const plain = {
  maxLength: 32,
  pattern: /^[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*$/,
  words: "must consist of letters and digits, with single hyphens between them",
};
const version = {
  maxLength: 64,
  pattern: /^[A-Za-z0-9]+(?:[_.-][A-Za-z0-9]+)*$/,
  words: "must consist of letters and digits, with single underscores, dots or hyphens between them",
};

/** Of workspaces, templates and organization roles. */
export const nameRule: NameRule = { ...plain, reserved: ["new", "create"] };
export const usernameRule: NameRule = {
  ...plain,
  reserved: ["new", "create", "me", "everyone", "prebuilds"],
};
export const organizationNameRule: NameRule = { ...plain, reserved: ["new", "create", "default"] };
export const tokenNameRule: NameRule = { ...plain, maxLength: 64, reserved: [] };
export const templateVersionNameRule: NameRule = { ...version, reserved: [] };
/** The names of the reserved keys (provisioning.md 3.1) are taken. */
export const provisionerKeyNameRule: NameRule = { ...version, reserved: ["built-in", "user-auth", "psk"] };

/**
 * Why something can't have this name, as the end of a sentence that begins with the field, or undefined.
 *
 * @example
 * nameProblem(nameRule, "my ws") // 'must consist of letters and digits, with single hyphens between them, got "my ws".'
 */
export function nameProblem(rule: NameRule, name: string): string | undefined {
  if (name.length === 0) return "must not be empty.";
  if (name.length > rule.maxLength) {
    return `must have at most ${rule.maxLength} characters, got ${name.length}.`;
  }
  if (!rule.pattern.test(name)) return `${rule.words}, got ${shown(name)}.`;
  if (rule.reserved.includes(name.toLowerCase())) return `${shown(name)} is reserved. Choose another name.`;
  return undefined;
}
