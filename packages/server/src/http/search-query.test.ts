import { describe, expect, test } from "vitest";
import { ApiError } from "./api-error.ts";
import { readSearch } from "./search-query.ts";

const keys = ["name", "owner", "status", "healthy", "since", "id"];

function refusals(q: string, read: (search: ReturnType<typeof readSearch>) => void = () => {}) {
  try {
    const search = readSearch(q, keys);
    read(search);
    search.done();
  } catch (error) {
    if (error instanceof ApiError) return error.validations?.map((entry) => entry.field);
    throw error;
  }
  return [];
}

describe("search queries", () => {
  test("splits keys from free text and lower-cases both", () => {
    const search = readSearch("Dev OWNER:Alice  box", keys);
    expect(search.freeText).toBe("dev box");
    expect(search.text("owner")).toBe("alice");
    expect(search.text("name")).toBeUndefined();
  });

  test("quotes protect spaces and colons", () => {
    const search = readSearch('since:"2026-01-31T09:00:00Z" name:"a b"', keys);
    expect(search.time("since")).toEqual(new Date("2026-01-31T09:00:00Z"));
    expect(search.text("name")).toBe("a b");
  });

  test("lists take commas and repetition", () => {
    const search = readSearch("status:running,stopped status:failed", keys);
    expect(search.choices("status", ["running", "stopped", "failed"])).toEqual([
      "running",
      "stopped",
      "failed",
    ]);
  });

  test.each(["name:", ":name", "name:a:b", "a:b:c:d"])("refuses the piece %s", (q) => {
    expect(refusals(q)).toEqual(["q"]);
  });

  test("names every refused key at once", () => {
    expect(
      refusals("colour:red healthy:maybe since:yesterday id:x name:a name:b status:odd", (search) => {
        search.bool("healthy");
        search.time("since");
        search.uuid("id");
        search.text("name");
        search.choices("status", ["running"]);
      }),
    ).toEqual(["colour", "healthy", "since", "id", "name", "status"]);
  });
});
