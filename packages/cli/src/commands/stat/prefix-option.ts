import { Option } from "commander";
import { prefixes } from "./usage.ts";

/** In which unit people read amounts; JSON is always in bytes. */
export function prefixOption(): Option {
  return new Option("--prefix <prefix>", "unit of the amounts").choices(prefixes).default("Gi");
}
