/** A LIKE pattern for "contains this text", whatever signs the text holds. */
export function containsPattern(text: string): string {
  return `%${text.replace(/[\\%_]/g, "\\$&")}%`;
}
