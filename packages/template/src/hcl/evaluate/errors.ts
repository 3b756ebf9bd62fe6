/** The expression can't be evaluated; the message is meant for the template's author. */
export class EvaluationError extends Error {
  /** Where in the text of the expression, once a node of its tree is known. */
  offset: number | undefined;
}

/** The evaluation costs more than any template is worth. `try` and `can` don't see it. */
export class LimitError extends Error {}
