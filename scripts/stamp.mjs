// Records in node_modules/.slipway that the dependencies are installed: `node`, the path of a Node that runs
// our sources, and, written last, `lock`, a copy of package-lock.json. Runs after every `npm ci` and
// `npm install` (postinstall) and from ./coder; on Node 20 too, hence plain JavaScript.
//
//   node scripts/stamp.mjs                  write the stamp
//   node scripts/stamp.mjs --if-installed   only if node_modules holds what package-lock.json asks for
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The first major version that runs TypeScript sources without a flag and that we test with. */
const OLDEST_MAJOR = 24;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, "node_modules");

const onlyIfInstalled = process.argv.includes("--if-installed");
if (onlyIfInstalled && !matchesLock()) process.exit(1);

const node = findNode();
if (node === undefined) {
  // After `npm ci` by hand this is no failure yet: ./coder asks again and says what is missing.
  process.exit(process.env.npm_lifecycle_event === "postinstall" ? 0 : 1);
}
const stamp = join(modules, ".slipway");
mkdirSync(stamp, { recursive: true });
replaceFile(join(stamp, "node"), `${node}\n`);
replaceFile(join(stamp, "lock"), readFileSync(join(root, "package-lock.json")));

/** The packaged Node goes before the host's, so that everybody runs the same; both are tried before trusted. */
function findNode() {
  const packaged = join(modules, ".bin", process.platform === "win32" ? "node.exe" : "node");
  return [packaged, process.execPath]
    .filter((path) => existsSync(path))
    .map((path) => realpathSync(path))
    .find(runs);
}

function runs(path) {
  const result = spawnSync(path, ["--version"], { encoding: "utf8", timeout: 30_000 });
  const major = /^v(\d+)\./.exec(result.stdout ?? "")?.[1];
  return result.status === 0 && Number(major) >= OLDEST_MAJOR;
}

/** Whether each package of package-lock.json is in npm's own record of what it installed, in the same version. */
function matchesLock() {
  const record = join(modules, ".package-lock.json");
  if (!existsSync(record)) return false;
  const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  const present = JSON.parse(readFileSync(record, "utf8")).packages;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === "") return true;
    const found = present[path];
    // Optional packages of other platforms are in the lock and never installed.
    if (found === undefined) return entry.optional === true;
    return (
      found.version === entry.version && found.integrity === entry.integrity && found.link === entry.link
    );
  });
}

function replaceFile(path, content) {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, content);
  renameSync(temporary, path);
}
