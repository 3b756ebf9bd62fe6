# shellcheck shell=sh disable=SC2034
# Shared by home.sh and agent.sh. Sourced, not run.

fail() {
  printf 'local template: %s\n' "$1" >&2
  exit 1
}

# Whoever may use this template runs programs on this host, with this account where no sandbox is. Only
# `coder up` installs it; elsewhere the host's administrator has to allow it.
require_permission() {
  [ "${CODER_ALLOW_LOCAL_TEMPLATE-}" = true ] || fail "this template runs workspaces on the provisioner's own host and is not allowed here.
Set CODER_ALLOW_LOCAL_TEMPLATE=true in the environment of the provisioner daemon to allow it, or use another template."
}

# workspace_paths ID: sets base, dir, home, run and sandbox_user.
workspace_paths() {
  case $1 in
  '' | *[!0-9a-f-]*) fail "\"$1\" is not a workspace id" ;;
  esac
  if [ "$(id -u)" = 0 ]; then
    base=/var/lib/slipway/workspaces
    sandbox_user=$(id -u nobody)
  else
    base=${XDG_DATA_HOME:-$HOME/.local/share}/slipway/workspaces
    sandbox_user=$(id -u)
  fi
  dir=$base/$1
  home=$dir/home
  run=$dir/run
}
