import { createHash } from "node:crypto";
import type { FastifyReply } from "fastify";

export type Page = {
  title: string;
  /** Markup; what comes from settings or users is escaped by `escapeHtml`. */
  body: string;
  /** Runs in the page, with no other script beside it. */
  script?: string;
};

const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 40rem; margin: 12vh auto; padding: 0 1.5rem; }
h1 { font-size: 1.5rem; }
pre, input { font: inherit; box-sizing: border-box; width: 100%; padding: .6rem .8rem; border: 1px solid #8886; border-radius: .4rem; background: #8881; color: inherit; }
pre, output { font-family: ui-monospace, monospace; overflow-wrap: anywhere; white-space: pre-wrap; }
label, output { display: block; margin: 1rem 0; }
button { font: inherit; padding: .5rem 1.2rem; border: 0; border-radius: .4rem; background: #2157d6; color: #fff; cursor: pointer; }
[role=alert] { color: light-dark(#b3261e, #ff8a80); }
`;

/**
 * Sends one of the server's few pages. Nothing may run or be loaded in it but what stands in it, by hash; and without
 * its script a form goes nowhere, so that a password never lands in a URL or in another host's log.
 */
export function sendPage(
  reply: FastifyReply,
  { title, body, script }: Page,
  furtherPolicy: readonly string[],
) {
  const policy = [
    "default-src 'none'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "connect-src 'self'",
    `style-src ${hashOf(style)}`,
    ...(script === undefined ? [] : [`script-src ${hashOf(script)}`]),
    ...furtherPolicy,
  ];
  return reply
    .header("Content-Security-Policy", policy.join("; "))
    .type("text/html; charset=utf-8")
    .send(
      `<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n` +
        `<meta name="viewport" content="width=device-width">\n<title>${escapeHtml(title)}</title>\n` +
        `<style>${style}</style>\n<body>\n${body}\n` +
        `${script === undefined ? "" : `<script>${script}</script>\n`}</body>\n</html>\n`,
    );
}

function hashOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
