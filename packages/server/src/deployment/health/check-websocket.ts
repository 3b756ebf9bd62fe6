import { randomUUID } from "node:crypto";
import { type health, routePath, health as routes } from "@slipway/api";
import { WebSocket } from "ws";
import { fault, found, reasonOf } from "./section.ts";

const maxAnswerBytes = 1024;

/** Whether WebSockets pass under the access URL: proxies that do not know them are a common reason for trouble. */
export async function checkWebsocket(
  accessUrl: string,
  signal: AbortSignal,
): Promise<Omit<health.WebsocketReport, "dismissed">> {
  const report = { body: "", code: 0 };
  if (!URL.canParse(accessUrl)) {
    return { ...report, ...fault("EWS01", `The access URL ${JSON.stringify(accessUrl)} is no URL.`) };
  }
  const url = new URL(routePath(routes.echoWebsocket), accessUrl.replace(/^http/, "ws"));
  const socket = new WebSocket(url, { maxPayload: maxAnswerBytes });
  const giveUp = () => socket.terminate();
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    return await echo(socket, report);
  } finally {
    signal.removeEventListener("abort", giveUp);
    socket.terminate();
  }
}

function echo(
  socket: WebSocket,
  report: { body: string; code: number },
): Promise<Omit<health.WebsocketReport, "dismissed">> {
  const sent = randomUUID();
  return new Promise((resolve) => {
    let isOpen = false;
    const refuse = (reason: string, code = report.code) => {
      const message = isOpen
        ? `The WebSocket sent nothing back: ${reason}`
        : `No WebSocket opened: ${reason}`;
      resolve({ ...report, code, ...fault(isOpen ? "EWS02" : "EWS01", message) });
    };
    socket.on("open", () => {
      isOpen = true;
      socket.send(sent);
    });
    socket.on("message", (data) => {
      const answered = String(data);
      if (answered === sent) resolve({ ...report, code: 101, ...found() });
      else
        resolve({ ...report, body: answered, code: 101, ...fault("EWS02", "What came back was not sent.") });
    });
    socket.on("unexpected-response", (_, res) => {
      res.destroy();
      refuse(`the answer was ${res.statusCode}.`, res.statusCode);
    });
    socket.on("error", (err) => refuse(`${reasonOf(err)}.`));
    socket.on("close", () => refuse("the connection ended."));
  });
}
