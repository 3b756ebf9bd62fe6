/** The text is no pattern, or one that costs more than a pattern is worth. */
export class PatternError extends Error {}
