const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** The characters of a text as people see them: what Terraform counts as one. */
export function graphemesOf(text: string): string[] {
  // Plain text needs no segmentation, but for the one pair of characters that counts as one.
  if (/^[\x00-\x7F]*$/.test(text)) return text.match(/\r\n|[\s\S]/g) ?? [];
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}
