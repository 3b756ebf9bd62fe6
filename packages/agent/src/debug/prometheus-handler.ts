import type { RequestListener } from "node:http";
import type { Activity } from "../stats/activity.ts";

/** The agent's metrics in Prometheus text form, at any path. */
export function createPrometheusHandler(deps: {
  activity: Activity;
  scripts: { succeeded: number; failed: number };
  connected: () => boolean;
  version: string;
}): RequestListener {
  return (_request, response) => {
    const { totals } = deps.activity;
    const lines = [
      metric("agent_info", "gauge", [[{ version: deps.version }, 1]]),
      metric("agent_connected", "gauge", [[{}, deps.connected() ? 1 : 0]]),
      metric("agent_scripts_executed_total", "counter", [
        [{ success: "true" }, deps.scripts.succeeded],
        [{ success: "false" }, deps.scripts.failed],
      ]),
      metric(
        "agent_sessions_total",
        "counter",
        [...totals.sessions].map(([app, count]) => [{ app }, count]),
      ),
      metric(
        "agent_streams_total",
        "counter",
        [...totals.streams].map(([kind, count]) => [{ kind }, count]),
      ),
      metric("agent_bytes_total", "counter", [
        [{ direction: "tx" }, totals.sent],
        [{ direction: "rx" }, totals.received],
      ]),
      metric("process_resident_memory_bytes", "gauge", [[{}, process.memoryUsage.rss()]]),
      metric("process_cpu_seconds_total", "counter", [[{}, cpuSeconds()]]),
    ];
    response
      .writeHead(200, { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" })
      .end(lines.join(""));
  };
}

function metric(
  name: string,
  type: string,
  samples: [labels: Record<string, string>, value: number][],
): string {
  const body = samples.map(([labels, value]) => {
    const inside = Object.entries(labels).map(([key, text]) => `${key}=${JSON.stringify(text)}`);
    return `${name}${inside.length > 0 ? `{${inside.join(",")}}` : ""} ${value}\n`;
  });
  return `# TYPE ${name} ${type}\n${body.join("")}`;
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
