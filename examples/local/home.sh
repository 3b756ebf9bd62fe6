#!/bin/sh
# Makes or removes the home directory of a workspace: home.sh create|delete WORKSPACE_ID
set -eu

. "$(dirname "$0")/lib.sh"

action=$1
require_permission
workspace_paths "$2"

case $action in
create)
  # 0711: as root the agent runs as an unprivileged user, which must reach its home and list nothing on the way.
  umask 066
  mkdir -p "$home"
  chmod 0700 "$home"
  if [ "$(id -u)" = 0 ]; then
    chown "$sandbox_user" "$home"
  fi
  ;;
delete)
  rm -rf -- "$dir"
  ;;
*)
  fail "unknown action $action"
  ;;
esac
