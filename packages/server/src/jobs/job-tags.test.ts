import { describe, expect, test } from "vitest";
import { buildJobTags, dryRunJobTags, importJobTags } from "./job-tags.ts";

const org = { scope: "organization", owner: "" };

describe("tags of jobs", () => {
  test("an import has the template's, and the request's over them", () => {
    expect(importJobTags("uploader", { zone: "eu", size: "small" }, { zone: "us", size: "" })).toEqual({
      ...org,
      zone: "us",
      size: "small",
    });
    expect(importJobTags("uploader", {}, { scope: "user", owner: "somebody" })).toEqual({
      scope: "user",
      owner: "uploader",
    });
  });

  test("a dry run has those of the import, for whoever asks", () => {
    expect(dryRunJobTags("asker", { ...org, zone: "eu" })).toEqual({ ...org, zone: "eu" });
    expect(dryRunJobTags("asker", { scope: "user", owner: "uploader" })).toEqual({
      scope: "user",
      owner: "asker",
    });
  });

  test("a build has those of the import, for the owner, and what was evaluated over them", () => {
    const imported = { scope: "user", owner: "uploader", zone: "eu" };
    expect(buildJobTags("owner", imported, { zone: "us", gpu: "yes" })).toEqual({
      scope: "user",
      owner: "owner",
      zone: "us",
      gpu: "yes",
    });
  });

  test("nothing evaluated makes a job somebody else's", () => {
    expect(buildJobTags("owner", { ...org, zone: "eu" }, { scope: "user", owner: "other" })).toEqual({
      ...org,
      zone: "eu",
    });
  });
});
