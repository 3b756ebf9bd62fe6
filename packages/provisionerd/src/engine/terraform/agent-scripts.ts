import { agentInitScript, supportedPlatforms } from "@slipway/template";

/** `CODER_AGENT_SCRIPT_<os>_<arch>` for every platform: without it an `init_script` is empty (engine.md §5). */
export function agentScripts(): Record<string, string> {
  return Object.fromEntries(
    supportedPlatforms.map(({ os, arch }) => [`CODER_AGENT_SCRIPT_${os}_${arch}`, agentInitScript(os, arch)]),
  );
}
