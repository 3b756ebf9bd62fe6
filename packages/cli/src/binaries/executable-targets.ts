/** A platform for which we make executables: Coder's name of it and npm's. */
export type ExecutableTarget = {
  name: string;
  os: "linux";
  arch: "amd64" | "arm64";
  npmArch: "x64" | "arm64";
};

export const executableTargets: readonly ExecutableTarget[] = [
  { name: "coder-linux-amd64", os: "linux", arch: "amd64", npmArch: "x64" },
  { name: "coder-linux-arm64", os: "linux", arch: "arm64", npmArch: "arm64" },
];

/** The CLI as an npm package, for every platform with a Node. */
export const cliPackageName = "coder-cli.tgz";

/** The archive of a loader and libraries beside an executable, for images without glibc. */
export function librariesName(target: ExecutableTarget): string {
  return `${target.name}-glibc.tar.gz`;
}
