import { expect, test } from "vitest";
import { parseReadmeFrontMatter } from "./parse-readme-front-matter.ts";

test("front matter and body come apart", () => {
  const readme = `---
display_name: Docker Containers
description: Provision Docker containers
icon: ../../../site/static/icon/docker.png
maintainer_github: coder
tags: [docker, container]
---

# Remote Development
`;
  expect(parseReadmeFrontMatter(readme)).toEqual({
    displayName: "Docker Containers",
    description: "Provision Docker containers",
    icon: "../../../site/static/icon/docker.png",
    tags: ["docker", "container"],
    body: "# Remote Development\n",
  });
  expect(parseReadmeFrontMatter("---\r\nname: X\r\n---\r\nbody")).toEqual({ displayName: "X", body: "body" });
  expect(parseReadmeFrontMatter("---\n---\nbody")).toEqual({ body: "---\n---\nbody" });
});

test.each([["# No front matter\n"], ["---\nno end"], ["---\n- a list\n---\n"], ["---\na: [\n---\nx"], [""]])(
  "%j is shown as it is",
  (readme) => {
    expect(parseReadmeFrontMatter(readme)).toEqual({ body: readme });
  },
);
