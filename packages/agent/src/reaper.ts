import { isExecutable } from "./environment/account.ts";

/**
 * Shells wait for whatever ends, orphans included. The loop is for signals: a trap interrupts `wait`, which then
 * says so and not how the agent ended.
 */
export const REAPER = `
"$@" & agent=$!
for name in TERM INT HUP QUIT USR1 USR2; do trap "kill -$name $agent 2>/dev/null" $name; done
while :; do
  wait $agent; code=$?
  kill -0 $agent 2>/dev/null || exit $code
done`;

/**
 * As PID 1 of a container the agent is handed every orphan of the workspace, and Node waits only for its own
 * children: zombies would pile up. So PID 1 becomes a small shell that starts the agent again as its child, passes
 * signals on and reaps. Returns only where that is not needed, or not possible: then the agent runs as it is.
 */
export function becomeReaperAsPid1(self: readonly string[], args: readonly string[]): void {
  if (process.pid !== 1 || process.platform !== "linux") return;
  if (process.execve === undefined || !isExecutable("/bin/sh")) return;
  process.execve("/bin/sh", ["sh", "-c", REAPER, "sh", ...self, ...args], process.env);
}
