import { create } from "@bufbuild/protobuf";
import { type Agent, AgentSchema, type Script, ScriptSchema } from "@slipway/proto/provisioner";
import { type Attributes, blocks, flag, int, text, textMap } from "./attributes.ts";
import type { Report } from "./diagnostics.ts";
import type { Instance } from "./instance.ts";

/** An agent with the instance that it was made from. */
export type FoundAgent = { agent: Agent; instance: Instance; usesToken: boolean };

/** All agents of a plan or state, their names checked (provisioning.md §7.5). */
export function convertAgents(instances: Instance[], report: Report): FoundAgent[] {
  const names = new Map<string, string>();
  return instances
    .filter(({ mode, type }) => mode === "managed" && type === "coder_agent")
    .map((instance) => {
      checkName(instance, names, report);
      const usesToken = (text(instance.values, "auth") || "token") === "token";
      return { agent: convertAgent(instance, usesToken), instance, usesToken };
    });
}

function checkName(instance: Instance, names: Map<string, string>, report: Report): void {
  const { name, address } = instance;
  const other = names.get(name.toLowerCase());
  if (name.includes("_")) {
    report.error(
      "Invalid agent name",
      `The agent name "${name}" holds an underscore. Name the resource with dashes instead: ${address.replaceAll("_", "-").replace("coder-agent", "coder_agent")}.`,
    );
  } else if (!/^[a-z0-9](?:-?[a-z0-9])*$/i.test(name)) {
    report.error(
      "Invalid agent name",
      `The agent name "${name}" may hold letters, digits and single dashes between them only. Rename ${address}.`,
    );
  } else if (other !== undefined) {
    report.error(
      "Duplicate agent name",
      `${address} and ${other} give two agents the name "${name}". Agent names must differ by more than case.`,
    );
  }
  names.set(name.toLowerCase(), address);
}

function convertAgent({ name, values }: Instance, usesToken: boolean): Agent {
  const behavior = text(values, "startup_script_behavior") || "non-blocking";
  return create(AgentSchema, {
    id: text(values, "id"),
    name,
    env: textMap(values, "env"),
    operatingSystem: text(values, "os"),
    architecture: text(values, "arch"),
    directory: text(values, "dir"),
    auth: usesToken ? { case: "token", value: text(values, "token") } : { case: "instanceId", value: "" },
    connectionTimeoutSeconds:
      typeof values.connection_timeout === "number" ? int(values, "connection_timeout") : 120,
    troubleshootingUrl: text(values, "troubleshooting_url"),
    motdFile: text(values, "motd_file"),
    metadata: blocks(values, "metadata").map((item) => ({
      key: text(item, "key"),
      displayName: text(item, "display_name"),
      script: text(item, "script"),
      intervalSeconds: int(item, "interval"),
      timeoutSeconds: int(item, "timeout"),
      order: int(item, "order"),
    })),
    displayApps: displayApps(blocks(values, "display_apps")[0]),
    scripts: ownScripts(values, behavior),
    order: int(values, "order"),
    apiKeyScope: text(values, "api_key_scope") || "all",
    startupScriptBehavior: behavior,
  });
}

function displayApps(block: Attributes | undefined) {
  if (block === undefined) {
    return {
      vscode: true,
      vscodeInsiders: false,
      webTerminal: true,
      sshHelper: true,
      portForwardingHelper: true,
    };
  }
  return {
    vscode: flag(block, "vscode"),
    vscodeInsiders: flag(block, "vscode_insiders"),
    webTerminal: flag(block, "web_terminal"),
    sshHelper: flag(block, "ssh_helper"),
    portForwardingHelper: flag(block, "port_forwarding_helper"),
  };
}

/** `startup_script` and `shutdown_script` are short for two scripts with fixed names (provisioning.md §7.5). */
function ownScripts(values: Attributes, behavior: string): Script[] {
  const scripts: Script[] = [];
  const startup = text(values, "startup_script");
  if (startup !== "") {
    scripts.push(
      create(ScriptSchema, {
        displayName: "Startup Script",
        icon: "/emojis/25b6.png",
        logPath: "coder-startup-script.log",
        script: startup,
        startBlocksLogin: behavior === "blocking",
        runOnStart: true,
      }),
    );
  }
  const shutdown = text(values, "shutdown_script");
  if (shutdown !== "") {
    scripts.push(
      create(ScriptSchema, {
        displayName: "Shutdown Script",
        icon: "/emojis/25c0.png",
        logPath: "coder-shutdown-script.log",
        script: shutdown,
        runOnStop: true,
      }),
    );
  }
  return scripts;
}
