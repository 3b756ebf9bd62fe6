import type { FastifyReply, FastifyRequest } from "fastify";
import { Counter, Histogram, type Registry } from "prom-client";

/** Counts requests and measures how long they take, by route and not by address: labels stay few. */
export function createRequestMetrics(registry: Registry) {
  const requests = new Counter({
    name: "coderd_api_requests_processed_total",
    help: "The total number of processed API requests",
    labelNames: ["code", "method", "path"],
    registers: [registry],
  });
  const latency = new Histogram({
    name: "coderd_api_request_latencies_seconds",
    help: "Latency distribution of requests in seconds",
    labelNames: ["method", "path"],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 10, 30],
    registers: [registry],
  });
  return (req: FastifyRequest, reply: FastifyReply): void => {
    const path = req.routeOptions.url ?? "unknown";
    requests.inc({ code: reply.statusCode, method: req.method, path });
    latency.observe({ method: req.method, path }, reply.elapsedTime / 1_000);
  };
}
