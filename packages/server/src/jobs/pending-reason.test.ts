import { describe, expect, test } from "vitest";
import { pendingReason } from "./pending-reason.ts";

const org = { scope: "organization", owner: "" };
const none = { position: 0, size: 0 };

describe("pendingReason", () => {
  test("nobody is there", () => {
    expect(pendingReason({ provisioner: "terraform", tags: org }, [], none)).toContain(
      "No provisioner daemon is connected",
    );
  });

  test("nobody runs that type", () => {
    const live = [{ provisioners: ["echo"], tags: org }];
    expect(pendingReason({ provisioner: "terraform", tags: org }, live, none)).toContain(
      "runs terraform jobs",
    );
  });

  test("names the tag that the nearest daemon lacks, and the flag that adds it", () => {
    const live = [
      { provisioners: ["terraform"], tags: org },
      { provisioners: ["terraform"], tags: { ...org, zone: "eu" } },
    ];
    const reason = pendingReason(
      { provisioner: "terraform", tags: { ...org, zone: "eu", gpu: "yes" } },
      live,
      none,
    );
    expect(reason).toContain("the nearest lacks gpu=yes");
    expect(reason).toContain("--tag gpu=yes.");
  });

  test("an untagged job wants an untagged daemon", () => {
    const live = [{ provisioners: ["terraform"], tags: { ...org, zone: "eu" } }];
    expect(pendingReason({ provisioner: "terraform", tags: org }, live, none)).toContain("without tags");
  });

  test("a job that has left the queue in this moment is being taken", () => {
    const live = [{ provisioners: ["terraform"], tags: org }];
    expect(pendingReason({ provisioner: "terraform", tags: org }, live, none)).toContain("is taking the job");
  });

  test("all are busy, with the place in the queue", () => {
    const live = [{ provisioners: ["terraform"], tags: org }];
    expect(pendingReason({ provisioner: "terraform", tags: org }, live, { position: 2, size: 5 })).toContain(
      "number 2 of 5",
    );
  });
});
