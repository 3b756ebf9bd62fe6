#!/bin/sh
# Starts or stops the agent of a workspace: agent.sh start|stop WORKSPACE_ID
# `agent.sh check WORKSPACE_ID` fails where a sandbox is required and none works. It is a step of its own because
# Terraform shows no output of a step whose environment holds the agent's token.
#
# It outlives Terraform: `setsid` takes it out of Terraform's process group, and a small watcher stays its
# parent, so that stopping the watcher ends everything that the workspace runs.
# The agent's token travels in the environment, never in an argument: `ps` shows those to everybody.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

action=$1
require_permission
workspace_paths "$2"
pidfile=$run/pid
shell=/bin/sh
[ ! -x /bin/bash ] || shell=/bin/bash

# alive PID: a process with this id that is ours (ids are used again after a reboot).
alive() {
  { tr '\0' '\n' <"/proc/$1/environ"; } 2>/dev/null | grep -qx "SLIPWAY_LOCAL_WORKSPACE=$dir"
}

stop() {
  if [ -s "$pidfile" ]; then
    read -r pid <"$pidfile"
    if alive "$pid"; then
      kill -TERM "$pid" 2>/dev/null || true
      waited=0
      while alive "$pid"; do
        [ "$waited" -lt 650 ] || { kill -KILL -- "-$pid" 2>/dev/null || true; break; }
        sleep 0.1
        waited=$((waited + 1))
      done
    fi
    rm -f "$pidfile"
  fi
  # Without a sandbox, what was put into the background outlives the agent.
  for environment in $(grep -lzxF "SLIPWAY_LOCAL_WORKSPACE=$dir" /proc/[0-9]*/environ 2>/dev/null); do
    pid=${environment#/proc/}
    kill -KILL "${pid%/environ}" 2>/dev/null || true
  done
}

# Prints bwrap's prefix, one argument a line (no argument holds a newline).
sandbox_arguments() {
  for argument in bwrap --unshare-user-try --unshare-ipc --unshare-pid --unshare-uts --unshare-cgroup-try \
    --die-with-parent --new-session --ro-bind /usr /usr; do
    printf '%s\n' "$argument"
  done
  for top in bin sbin lib lib64; do
    if [ -L "/$top" ]; then printf '%s\n' --symlink "usr/$top" "/$top"; else printf '%s\n' --ro-bind-try "/$top" "/$top"; fi
  done
  printf '%s\n' --ro-bind "$run/passwd" /etc/passwd --ro-bind "$run/group" /etc/group
  for name in ssl ca-certificates resolv.conf hosts nsswitch.conf alternatives profile localtime bash.bashrc; do
    printf '%s\n' --ro-bind-try "/etc/$name" "/etc/$name"
  done
  printf '%s\n' --proc /proc --dev /dev --tmpfs /tmp --tmpfs /run --dir /var/tmp \
    --bind "$home" /home/coder --chdir /home/coder --uid 1000 --gid 1000
}

# Inside, uid 1000 is "coder" whoever has that number outside.
account_files() {
  {
    printf 'coder:x:1000:1000:coder:/home/coder:%s\n' "$shell"
    awk -F: '$3 != 1000 && $1 != "coder"' /etc/passwd
  } >"$run/passwd"
  {
    printf 'coder:x:1000:\n'
    awk -F: '$3 != 1000 && $1 != "coder"' /etc/group
  } >"$run/group"
}

# As root, uid 1000 inside would be root outside: the account is dropped before bwrap starts.
drop() {
  if [ "$(id -u)" = 0 ]; then
    setpriv --reuid "$sandbox_user" --regid "$sandbox_user" --clear-groups --bounding-set=-all --inh-caps=-all "$@"
  else
    "$@"
  fi
}

sandbox_works() {
  command -v bwrap >/dev/null 2>&1 || return 1
  drop bwrap --unshare-user-try --unshare-pid --ro-bind / / true >/dev/null 2>&1
}

case $action in
check)
  [ "${AGENT_SANDBOX-}" != require ] || sandbox_works ||
    fail "bubblewrap does not work here: install it (apt-get install bubblewrap) and allow user namespaces, or choose another value of the parameter \"sandbox\"."
  ;;
start)
  stop
  # The dropped account reads the files below, of which none holds a secret.
  umask 022
  mkdir -p "$run"
  sandbox=${AGENT_SANDBOX:-auto}
  if [ "$sandbox" = auto ] && ! sandbox_works; then sandbox=off; fi
  printf '%s\n' "$AGENT_INIT_SCRIPT" >"$run/init.sh"
  if [ "$sandbox" = off ]; then
    : >"$run/prefix"
  else
    account_files
    sandbox_arguments >"$run/prefix"
  fi
  # Terraform's directory is removed as soon as this script has ended, maybe before the watcher reads its own.
  cp "$here/watch.sh" "$run/watch.sh"
  cd "$run"
  # A clean environment: what Terraform's has (credentials of clouds among it) is no business of the workspace.
  env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG="${LANG:-C.UTF-8}" HOME="$home" SHELL="$shell" SLIPWAY_LOCAL_WORKSPACE="$dir" \
    CODER_AGENT_TOKEN="$CODER_AGENT_TOKEN" SANDBOX_USER="$sandbox_user" \
    setsid sh "$run/watch.sh" "$run" "$home" >"$run/agent.log" 2>&1 </dev/null &
  printf '%s\n' "$!" >"$pidfile"
  ;;
stop)
  stop
  ;;
*)
  fail "unknown action $action"
  ;;
esac
