/**
 * The script that a workspace runs to fetch and start its agent: the `init_script` of a `coder_agent`. The provider
 * reads it from its environment, one variable per platform, and fills in the two placeholders: `${ACCESS_URL}`, which
 * ends with a slash, and `${AUTH_TYPE}`. The agent's token is not in it; templates hand it over as
 * `CODER_AGENT_TOKEN`.
 *
 * Templates put it into user data, of which clouds allow 16 KiB, and some rewrite loopback addresses in it: it stays
 * short and names none.
 */
export function agentInitScript(os: string, arch: string): string {
  if (!supportedPlatforms.some((platform) => platform.os === os && platform.arch === arch)) {
    const names = supportedPlatforms.map((platform) => `${platform.os}/${platform.arch}`).join(", ");
    throw new Error(`There is no agent for ${os}/${arch}. Agents exist for ${names}.`);
  }
  return os === "windows" ? windowsScript(arch) : posixScript(os, arch);
}

/** Platforms that the provider asks a script for, whether or not an executable can be had for each. */
export const supportedPlatforms: readonly { os: string; arch: string }[] = [
  { os: "linux", arch: "amd64" },
  { os: "linux", arch: "arm64" },
  { os: "linux", arch: "armv7" },
  { os: "darwin", arch: "amd64" },
  { os: "darwin", arch: "arm64" },
  { os: "windows", arch: "amd64" },
  { os: "windows", arch: "arm64" },
];

/** POSIX sh, which here also means busybox; each tool is looked for as a command and as a part of busybox. */
function posixScript(os: string, arch: string): string {
  return `#!/usr/bin/env sh
set -eu

say() {
  echo "coder init: $1" >&2
}

# The log of a failed start stays readable: the container lives on for a day.
keep_logs() {
  code=$?
  trap - EXIT
  say "the agent could not be started (exit $code). Sleeping 24h so that this log can be read."
  sleep 86400 &
  trap 'kill $!; exit 143' TERM INT
  wait $!
  exit "$code"
}
trap keep_logs EXIT
trap 'trap - EXIT; exit 143' TERM INT

has() {
  command -v "$1" >/dev/null 2>&1
}

# Prints how to run a tool, which may be a part of busybox without a command of its own.
tool() {
  if has "$1"; then
    echo "$1"
  elif has busybox && busybox "$1" --help >/dev/null 2>&1; then
    echo "busybox $1"
  else
    return 1
  fi
}

# download NAME FILE
download() {
  if has curl; then
    case $(curl --version) in
      *libz*) curl -fsSL --compressed "$bin_url/$1" -o "$2" ;;
      *) curl -fsSL "$bin_url/$1" -o "$2" ;;
    esac
  elif fetcher=$(tool wget); then
    $fetcher -q -O "$2" "$bin_url/$1"
  elif has python3; then
    python3 -c 'import sys, urllib.request as r; r.urlretrieve(*sys.argv[1:])' "$bin_url/$1" "$2"
  elif has node; then
    node -e 'const [url, file] = process.argv.slice(1);
      fetch(url).then(async (r) => {
        if (!r.ok) throw r.statusText;
        fs.writeFileSync(file, Buffer.from(await r.arrayBuffer()));
      }).catch((e) => { console.error(String(e)); process.exit(1); })' "$bin_url/$1" "$2"
  else
    bash --norc -c "$over_tcp" bash "$bin_url/$1" "$2"
  fi
}

# Plain HTTP needs no more than bash and cat.
over_tcp='at=\${1#http://}; name=\${at%%/*}; port=\${name##*:}; [ "$port" != "$name" ] || port=80
exec 3<>"/dev/tcp/\${name%:*}/$port" || exit 1
printf "GET /%s HTTP/1.0\\r\\nHost: %s\\r\\n\\r\\n" "\${at#*/}" "$name" >&3
read -r _ status _ <&3 && [ "$status" = 200 ] || exit 1
while read -r header <&3 && [ "\${#header}" -gt 1 ]; do
  case $header in [Cc]ontent-[Ll]ength:*) size=\${header#*: } ;; esac
done
cat <&3 >"$2" && { [ -z "$size" ] || [ "$(wc -c <"$2")" = "\${size%?}" ]; }'

can_download() {
  has curl || tool wget >/dev/null || has python3 || has node || { has bash && [ "\${bin_url#http:}" != "$bin_url" ]; }
}

# As download, until it succeeds: the server may start after the workspace.
fetch() {
  until download "$1" "$2.part"; do
    say "$bin_url/$1 could not be fetched. Is the server up, and is that its address as seen from here? Trying again in 30s."
    sleep 30
  done
  mv -f "$2.part" "$2"
}

# A file kept from an earlier start is used again if it is what the server has now.
is_current() {
  [ -f coder ] && sum=$(tool sha256sum) && download "$name.sha256" coder.sha256 2>/dev/null || return 1
  read -r wanted rest <coder.sha256 || return 1
  found=$($sum coder)
  [ "\${found%% *}" = "$wanted" ]
}

runs() {
  case $(./coder --version 2>&1) in
    *Coder*) return 0 ;;
    *) return 1 ;;
  esac
}

bin_url="\${ACCESS_URL}bin"
name=coder-${os}-${arch}
if ! can_download; then
  say "no curl, wget, busybox, python3 or node was found, nor bash for plain HTTP. Install one of them in the image."
  exit 127
fi

dir=\${BINARY_DIR:-}
if [ -z "$dir" ]; then
  dir=$(mktemp -d -t coder.XXXXXX 2>/dev/null) || dir=/tmp/coder.$$
fi
if ! mkdir -p "$dir" || ! cd "$dir"; then
  say "$dir cannot be used. Set BINARY_DIR to a writable directory from which programs may be run."
  exit 1
fi
dir=$(pwd)

[ ! -f coder.bin ] || mv -f coder.bin coder
is_current || fetch "$name" coder
chmod +x coder
${os === "linux" ? useOwnLibraries : ""}if ! runs; then
  say "$dir/coder does not run here, or is no Coder agent:"
  ./coder --version >&2 || true
  exit 2
fi

export CODER_AGENT_AUTH="\${AUTH_TYPE}"
export CODER_AGENT_URL="\${ACCESS_URL}"
trap - EXIT TERM INT
exec "$dir/coder" agent
`;
}

/** Runs the agent under the server's C library, in images whose own is missing, too old or another one. */
const useOwnLibraries = `if ! runs && untar=$(tool tar) && download "$name-glibc.tar.gz" glibc.tar.gz; then
  rm -rf coder-glibc
  mkdir coder-glibc
  $untar -xzf glibc.tar.gz -C coder-glibc
  rm -f glibc.tar.gz
  mv coder coder.bin
  cat >coder <<END
#!/bin/sh
exec "$dir/coder-glibc/ld-linux.so" --library-path "$dir/coder-glibc" "$dir/coder.bin" "\\$@"
END
  chmod +x coder
fi
`;

function windowsScript(arch: string): string {
  // VS Code Remote expects the parent of its shell to be called sshd.
  return `$ErrorActionPreference = "Stop"
$ProgressPreference = "SilentlyContinue"
$url = "\${ACCESS_URL}bin/coder-windows-${arch}.exe"
$file = "$env:TEMP\\sshd.exe"
while ($true) {
  try {
    [Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12
    Invoke-WebRequest -Uri $url -OutFile $file -UseBasicParsing
    break
  } catch {
    Write-Output "coder init: $url could not be fetched: $_. Trying again in 30s."
    Start-Sleep -Seconds 30
  }
}
if (-not ((& $file --version | Select-Object -First 1) -match "Coder")) {
  throw "$file is no Coder agent."
}
$env:CODER_AGENT_AUTH = "\${AUTH_TYPE}"
$env:CODER_AGENT_URL = "\${ACCESS_URL}"
if (Get-Service -Name cexecsvc -ErrorAction SilentlyContinue) {
  # A container ends with its first process.
  & $file agent
} else {
  Start-Process -FilePath $file -ArgumentList "agent" -PassThru
}
`;
}
