/**
 * What `curl -fsSL $CODER_URL/install.sh | sh` runs: puts the command line of this very server on a Linux host.
 * Elsewhere it names the command that installs the npm package.
 */
export function installScript(accessUrl: string): string {
  const url = accessUrl.replace(/\/+$/, "");
  return `#!/bin/sh
# Installs the coder command from ${url}
set -eu

url=\${CODER_URL:-${url}}
url=\${url%/}

fail() {
  printf 'install: %s\\n' "$1" >&2
  exit 1
}

case $(uname -s) in
Linux) ;;
*) fail "for $(uname -s) the command line comes as an npm package: npm install -g $url/bin/coder-cli.tgz" ;;
esac
case $(uname -m) in
x86_64 | amd64) arch=amd64 ;;
aarch64 | arm64) arch=arm64 ;;
*) fail "there is no executable for $(uname -m); with Node 24 use: npm install -g $url/bin/coder-cli.tgz" ;;
esac

if [ -n "\${BIN_DIR-}" ]; then
  dir=$BIN_DIR
elif [ "$(id -u)" = 0 ]; then
  dir=/usr/local/bin
else
  dir=$HOME/.local/bin
fi
mkdir -p "$dir"
new=$(mktemp "$dir/.coder.XXXXXX")
trap 'rm -f "$new"' EXIT INT TERM

source=$url/bin/coder-linux-$arch
printf 'install: downloading %s\\n' "$source" >&2
if command -v curl >/dev/null 2>&1; then
  curl -fsSL --compressed -o "$new" "$source"
elif command -v wget >/dev/null 2>&1; then
  wget -qO "$new" "$source"
else
  fail "curl or wget is needed"
fi
chmod 0755 "$new"
"$new" --version >/dev/null 2>&1 || fail "the downloaded program does not run here; it needs glibc 2.28 or newer"
mv -f "$new" "$dir/coder"
trap - EXIT INT TERM
printf 'install: %s is ready\\n' "$dir/coder" >&2
case ":$PATH:" in
*":$dir:"*) ;;
*) printf 'install: add %s to your PATH\\n' "$dir" >&2 ;;
esac
`;
}
