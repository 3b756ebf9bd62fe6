import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listTar } from "@slipway/template";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type CoderServer, startCoderServer } from "../harness/coder-server.ts";
import { packTemplate } from "../harness/template.ts";

let server: CoderServer;
let directory: string;
beforeAll(async () => {
  server = await startCoderServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "templates-"));
  return () => rm(directory, { recursive: true });
});

const coder = (...args: string[]) => server.coder(args);

function terraform(...parameters: string[]): string {
  const blocks = parameters.map(
    (name) => `data "coder_parameter" "${name}" {\n  name = "${name}"\n  default = "x"\n}\n`,
  );
  return `terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
variable "size" {
  default = "small"
}
${blocks.join("")}
data "coder_workspace" "me" {}
resource "terraform_data" "thing" {
  count = data.coder_workspace.me.start_count
  input = var.size
}
`;
}

async function write(name: string, text: string): Promise<string> {
  const path = join(directory, name);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, "main.tf"), text);
  return path;
}

test("a starter template needs no server to begin with", async () => {
  const target = join(directory, "mine");
  const made = await server.coder(["templates", "init", "--id", "docker", target]);
  expect(made).toMatchObject({ code: 0, stdout: "" });
  expect(await readdir(target)).toContain("main.tf");
  const again = await coder("templates", "init", "--id", "docker", target);
  expect(again).toMatchObject({ code: 1 });
  expect(again.stderr).toContain("is not empty");
  const unknown = await coder("templates", "init", "--id", "nope", join(directory, "other"));
  expect(unknown.stderr).toContain("Choose from: docker, local.");
});

describe("push", () => {
  test("makes a template, then versions of it, and shows what changes for its users", async () => {
    const path = await write("web", terraform("region", "cpu"));
    const first = await coder("templates", "push", "-d", path, "--name", "v1", "-y");
    expect(first).toMatchObject({ code: 0, stdout: "" });
    expect(first.stderr).toContain("No .terraform.lock.hcl");
    expect(first.stderr).toMatch(/==> ⧗ Queued\n/);
    expect(first.stderr).toMatch(/=== ✔ [^\n]+ \[\d+(?:ms|\.\ds)\]/);
    expect(first.stderr).toContain('coder create --template="web" [workspace name]');
    expect((await coder("templates", "list")).stdout).toMatch(/^web\s+coder\s+\S+\s+0 developers$/m);

    await write("web", terraform("region", "disk"));
    const question = await coder("templates", "push", "web", "-d", path, "--name", "v2", "--ignore-lockfile");
    expect(question).toMatchObject({ code: 1 });
    expect(question.stderr).toContain("Parameters, against version v1:\n- cpu (string)\n+ disk (string)\n");
    expect(question.stderr).toContain("Workspaces lose the values of: cpu.");
    expect(question.stderr).toContain("Give --yes.");

    const third = await coder(
      "templates",
      "push",
      "web",
      "-d",
      path,
      "--name",
      "v3",
      "-m",
      "Disks",
      "-y",
      "--activate=false",
    );
    expect(third).toMatchObject({ code: 0 });
    const columns = ["templates", "versions", "list", "web", "-c", "name,active"];
    expect((await coder(...columns)).stdout).toMatch(/^v1\s+Active$/m);
    // Where scripts made for Coder look for them.
    const json = async (...words: string[]) => JSON.parse((await coder(...words, "-o=json")).stdout);
    const [{ Template: template }] = await json("templates", "list");
    expect(template).toMatchObject({ name: "web" });
    const versions = await json("templates", "versions", "list", "web");
    const isActive = versions.find((one: { active: boolean }) => one.active);
    expect(isActive.TemplateVersion).toMatchObject({ id: template.active_version_id, name: "v1" });
    expect((await coder("templates", "versions", "list", "web", "-c", "status")).stdout).toContain(
      "Succeeded",
    );
    expect(await coder("templates", "versions", "promote", "-t", "web", "-v", "v3")).toMatchObject({
      code: 0,
    });
    expect((await coder(...columns)).stdout).toMatch(/^v3\s+Active$/m);
    expect(await coder("templates", "versions", "archive", "web", "v1", "-y")).toMatchObject({ code: 0 });
    expect((await coder(...columns)).stdout).not.toContain("v1");
    expect((await coder("templates", "versions", "list", "web", "--include-archived")).stdout).toMatch(
      /^v1 .*Archived$/m,
    );
    expect(await coder("templates", "versions", "unarchive", "web", "v1", "-y")).toMatchObject({ code: 0 });
  });

  test("takes a tar archive on stdin, with a name", async () => {
    const archive = await packTemplate({ "main.tf": terraform() });
    const pushed = await server.coder(["templates", "push", "piped", "-d", "-", "-y"], { input: archive });
    expect(pushed).toMatchObject({ code: 0 });
    const nameless = await server.coder(["templates", "push", "-d", "-", "-y"], { input: archive });
    expect(nameless.stderr).toContain("The template has no name.");
    const broken = await server.coder(["templates", "push", "x", "-d", "-"], { input: "not a tar" });
    expect(broken).toMatchObject({ code: 1 });
  });

  test("shows where a template is wrong", async () => {
    const unclosed = await write("unclosed", `${terraform()}\nresource "terraform_data" "open" {`);
    const refused = await coder("templates", "push", "-d", unclosed, "-y");
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toMatch(/main\.tf:\d+/);
    const path = await write(
      "broken",
      `${terraform()}\nresource "terraform_data" "x" {\n  input = local.nothing\n}\n`,
    );
    const failed = await coder("templates", "push", "-d", path, "-y");
    expect(failed).toMatchObject({ code: 1 });
    expect(failed.stderr).toMatch(/=== ✘ /);
    expect(failed.stderr).toMatch(/error: The import failed: .*main\.tf/s);
    expect((await coder("templates", "list")).stdout).not.toContain("broken");
    const empty = await coder("templates", "push", "-d", directory);
    expect(empty.stderr).toContain("holds no .tf or .tf.json file");
  });

  test("names the variables that need a value, and takes them from flags and files", async () => {
    const path = await write("sized", `${terraform().replace('default = "small"', "type = string")}`);
    const missing = await coder("templates", "push", "-d", path, "-y");
    expect(missing).toMatchObject({ code: 1 });
    expect(missing.stderr).toContain(
      "error: The template needs values for: size.\nGive them: --variable size=VALUE",
    );
    const file = join(directory, "values.yaml");
    await writeFile(file, "size: large\n");
    expect(await coder("templates", "push", "-d", path, "-y", "--variables-file", file)).toMatchObject({
      code: 0,
    });
    expect(await coder("templates", "push", "-d", path, "-y", "--var", "size=huge")).toMatchObject({
      code: 0,
    });
  });

  test("refuses values for variables that the template does not declare", async () => {
    const path = await write("misspelt", terraform());
    const flag = await coder("templates", "push", "-d", path, "-y", "--variable", "sise=large");
    expect(flag).toMatchObject({ code: 1 });
    expect(flag.stderr).toContain(
      'error: The template does not declare the variable "sise".\nIt declares: size.\n',
    );
    expect((await coder("templates", "list")).stdout).not.toContain("misspelt");
    // One file may serve several templates: what this one has no use for is told, and no more.
    const file = join(directory, "values.yaml");
    await writeFile(file, "size: large\nregion: eu\n");
    const shared = await coder("templates", "push", "-d", path, "-y", "--variables-file", file);
    expect(shared).toMatchObject({ code: 0 });
    expect(shared.stderr).toContain('that the template does not use: "region". It declares: size.');
  });

  test("learns parameters that must be chosen, also those with rules, and asks for them", async () => {
    const path = await write(
      "chosen",
      `${terraform()}
data "coder_parameter" "ticket" {
  name = "ticket"
  validation {
    regex = "^[A-Z]+-[0-9]+$"
    error = "must be a ticket such as OPS-7"
  }
}
data "coder_parameter" "cpu" {
  name = "cpu"
  type = "number"
  validation {
    min = 2
    max = 8
  }
}
`,
    );
    const pushed = await coder("templates", "push", "-d", path, "-y");
    expect(pushed, pushed.stderr).toMatchObject({ code: 0 });
    const create = (...args: string[]) => coder("create", "picky", "-t", "chosen", "-y", ...args);
    expect((await create("--parameter", "cpu=2")).stderr).toContain("ticket");
    const wrong = await create("--parameter", "cpu=2", "--parameter", "ticket=seven");
    expect(wrong.stderr).toContain("must be a ticket such as OPS-7");
    expect(await create("--parameter", "cpu=2", "--parameter", "ticket=OPS-7")).toMatchObject({ code: 0 });
    expect(await coder("delete", "picky", "-y")).toMatchObject({ code: 0 });
  });

  test("refuses a name that no template may have before anything is imported", async () => {
    const jobs = async () => (await coder("provisioner", "jobs", "list", "-c", "id")).stdout;
    const before = await jobs();
    const pushed = await coder("templates", "push", "-d", await write("My Template", terraform()), "-y");
    expect(pushed.code).toBe(1);
    expect(pushed.stderr).toContain("The name of a template must consist of letters and digits");
    expect(pushed.stderr).toContain("coder templates push NAME");
    expect(await jobs()).toBe(before);
  });

  test("says at once when no provisioner can run it", async () => {
    const path = await write("elsewhere", terraform());
    const pushed = coder("templates", "push", "-d", path, "-y", "--provisioner-tag", "zone=mars");
    const jobs = async () =>
      JSON.parse((await coder("provisioner", "jobs", "list", "-s", "pending", "-o", "json")).stdout);
    await expect.poll(jobs, { timeout: 60_000 }).toHaveLength(1);
    const [job] = await jobs();
    expect(await coder("provisioner", "jobs", "cancel", job.id)).toMatchObject({ code: 0 });
    const { code, stderr } = await pushed;
    expect(code).toBe(1);
    expect(stderr).toContain("there is no provisioner that accepts the tags it requires");
    expect(stderr).toContain(`Provisioner job ID: ${job.id}`);
    expect(stderr).toContain("error: The import was canceled.");
  });
});

test("a version of another template is not one of this", async () => {
  for (const name of ["mine", "theirs"]) {
    const path = await write(name, terraform());
    expect(await coder("templates", "push", "-d", path, "-y")).toMatchObject({ code: 0 });
  }
  const [theirs] = JSON.parse((await coder("templates", "versions", "list", "theirs", "-o", "json")).stdout);
  const refused = { code: 1, stderr: expect.stringContaining(`"mine" has no version "${theirs.id}"`) };
  const create = ["create", "mixed", "-t", "mine", "-y", "--template-version", theirs.id];
  expect(await coder(...create)).toMatchObject(refused);
  expect(await coder("templates", "pull", "mine", "--tar", "--version", theirs.id)).toMatchObject(refused);
});

test("-v of promote names the version and nothing else", async () => {
  const path = await write("promoted", terraform());
  expect(await coder("templates", "push", "-d", path, "-y")).toMatchObject({ code: 0 });
  const { code, stderr } = await coder("templates", "versions", "promote", "-t", "promoted", "-v", "nope");
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr:
      'error: template "promoted" has no version "nope"\nList them: coder templates versions list promoted\n',
  });
});

describe("a template", () => {
  test("is pulled as directory and archive, edited and deleted", async () => {
    const path = await write("whole", terraform());
    expect(await coder("templates", "push", "-d", path, "-y")).toMatchObject({ code: 0 });
    const target = join(directory, "pulled");
    expect(await coder("templates", "pull", "whole", target)).toMatchObject({ code: 0 });
    expect(await readFile(join(target, "main.tf"), "utf8")).toBe(terraform());
    expect((await coder("templates", "pull", "whole", target)).stderr).toContain("Give --yes.");
    expect(await coder("templates", "pull", "whole", target, "--version", "latest", "-y")).toMatchObject({
      code: 0,
    });
    const { stdout } = await coder("templates", "pull", "whole", "--tar");
    const entries = await listTar(Buffer.from(stdout, "utf8"));
    expect(entries.map((entry) => entry.path)).toContain("main.tf");

    const edited = await coder(
      ...[
        "templates",
        "edit",
        "whole",
        "--name",
        "part",
        "--default-ttl",
        "8h",
        "--allow-user-autostop=false",
      ],
    );
    expect(edited).toMatchObject({ code: 0 });
    const [template] = JSON.parse((await coder("templates", "list", "-o", "json")).stdout).filter(
      (one: { name: string }) => one.name === "part",
    );
    expect(template).toMatchObject({ default_ttl_ms: 28_800_000, allow_user_autostop: false });
    expect((await coder("templates", "edit", "part")).stderr).toContain("There is nothing to change.");
    expect((await coder("templates", "delete", "whole", "-y")).stderr).toContain(
      'template "whole" not found',
    );
    expect(await coder("templates", "rm", "part", "-y")).toMatchObject({ code: 0 });
  });
});

test("provisioners are listed", async () => {
  const { stdout } = await coder("provisioner", "list");
  expect(stdout).toMatch(/^CREATED AT\s+LAST SEEN AT\s+KEY NAME\s+NAME\s+VERSION\s+STATUS\s+TAGS\n/);
  expect(stdout).toContain("map[owner: scope:organization]");
  const [daemon] = JSON.parse((await coder("provisioner", "list", "-o", "json")).stdout);
  expect(daemon.organization_name).toMatch(/./);
  expect((await coder("provisioner", "list", "-s", "asleep")).stderr).toContain('"asleep" is not a status');
});
