import { expect, test } from "vitest";
import { lockedVersions, withoutChecksums } from "./lock-file.ts";

const lock = `# This file is maintained automatically by "terraform init".

provider "registry.terraform.io/coder/coder" {
  version     = "2.19.0"
  constraints = "~> 2.0"
  hashes = [
    "h1:aaaa=",
    "zh:bbbb",
  ]
}

provider "registry.terraform.io/kreuzwerker/docker" {
  version = "4.6.0"
  hashes = ["h1:cccc="]
}
`;

test("versions stay when the checksums go", () => {
  const stripped = withoutChecksums(lock);
  expect(stripped).not.toMatch(/hashes|h1:|zh:/);
  expect(lockedVersions(stripped)).toEqual(["coder/coder 2.19.0", "kreuzwerker/docker 4.6.0"]);
  expect(stripped).toContain('constraints = "~> 2.0"');
});
