import { readFileSync } from "node:fs";
import { join } from "node:path";

const unitFile = join(import.meta.dirname, "../../../../packaging/systemd/coder-provisioner.service");

/**
 * What `curl -fsSL $CODER_URL/install.sh | sh` runs: puts the command line of this very server on a Linux host, and
 * with `--provisioner-service` the systemd unit of a provisioner daemon. Elsewhere it names the command that installs
 * the npm package.
 */
export function installScript(accessUrl: string): string {
  const url = accessUrl.replace(/\/+$/, "");
  return `#!/bin/sh
# Installs the coder command from ${url}
#   --provisioner-service  a systemd unit for a provisioner daemon too, as root
set -eu

url=\${CODER_URL:-${url}}
url=\${url%/}

fail() {
  printf 'install: %s\\n' "$1" >&2
  exit 1
}

service=
for argument in "$@"; do
  case $argument in
  --provisioner-service) service=yes ;;
  *) fail "there is no option $argument; there is --provisioner-service" ;;
  esac
done
if [ -n "$service" ] && [ "$(id -u)" != 0 ]; then
  fail "--provisioner-service needs root"
fi

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
[ -n "$service" ] || exit 0

unit=/etc/systemd/system/coder-provisioner.service
mkdir -p /etc/systemd/system /etc/coder.d
sed "s|^ExecStart=/usr/local/bin/coder|ExecStart=$dir/coder|" >$unit <<'UNIT'
${readFileSync(unitFile, "utf8")}UNIT
settings=/etc/coder.d/coder-provisioner.env
if [ ! -e $settings ]; then
  (
    umask 077
    printf 'CODER_URL=%s\\nCODER_PROVISIONER_DAEMON_KEY=\\n' "$url" >$settings
  )
fi
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
if grep -Eq '^CODER_PROVISIONER_DAEMON_(KEY|PSK)=.' $settings; then
  printf 'install: to run this version: systemctl restart coder-provisioner\\n' >&2
else
  printf 'install: put a key into %s, then: systemctl enable --now coder-provisioner\\n' $settings >&2
fi
`;
}
