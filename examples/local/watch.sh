#!/bin/sh
# Runs the agent as a child and ends it in order on SIGTERM: watch.sh RUN_DIRECTORY HOME
set -eu

run=$1
home=$2
cd "$home"
init=$(cat "$run/init.sh")
rm -f "$run/init.sh"

set --
while IFS= read -r argument; do
  set -- "$@" "$argument"
done <"$run/prefix"
if [ "$#" -gt 0 ]; then
  HOME=/home/coder
  USER=coder
  export HOME USER
fi
if [ "$(id -u)" = 0 ]; then
  set -- setpriv --reuid "$SANDBOX_USER" --regid "$SANDBOX_USER" --clear-groups --bounding-set=-all --inh-caps=-all "$@"
fi

BINARY_DIR=$HOME/.cache/slipway/bin
export BINARY_DIR
"$@" /bin/sh -c "mkdir -p \"\$BINARY_DIR\"; $init" &
child=$!

# Signals do not reach into a PID namespace by themselves: they go to the agent, a program within others.
descendants() {
  [ -r "/proc/$1/task/$1/children" ] || return 0
  tr ' ' '\n' <"/proc/$1/task/$1/children" | while read -r pid; do
    printf '%s\n' "$pid"
    descendants "$pid"
  done
}
# What the workspace runs comes after the agent, and may have such a name as well.
agent_of() {
  for pid in "$@"; do
    if [ "$({ tr '\0' '\n' <"/proc/$pid/cmdline"; } 2>/dev/null | tail -n 1)" = agent ]; then
      printf '%s\n' "$pid"
      return
    fi
  done
}
finish() {
  trap - TERM INT
  set -- "$child" $(descendants "$child")
  # The agent alone: with the sandbox around it, it would die before its scripts and sessions have ended. Before it
  # runs, nothing has to end in order.
  agent=$(agent_of "$@")
  [ -z "$agent" ] || set -- "$agent"
  kill -TERM "$@" 2>/dev/null || true
  # A minute for its stop scripts.
  waited=0
  while kill -0 "$child" 2>/dev/null && [ "$waited" -lt 600 ]; do
    sleep 0.1
    waited=$((waited + 1))
  done
  kill -KILL "$child" 2>/dev/null || true
  exit 0
}
trap finish TERM INT
wait "$child" || true
