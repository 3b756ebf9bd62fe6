export {};
export { createDelimitedDecoder, encodeDelimited, readDelimited } from "./delimited.ts";
