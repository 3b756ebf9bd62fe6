import { escapeHtml, type Page } from "./page.ts";

/** What whoever opens the server's address finds, until there is a dashboard: the way to the command line. */
export function startPage(accessUrl: string): Page {
  const url = escapeHtml(accessUrl);
  return {
    title: "Slipway",
    body: `<h1>Slipway is running</h1>
<p>Workspaces are made and reached by the command line. On Linux, install it from this server:</p>
<pre>curl -fsSL ${url}/install.sh | sh</pre>
<p>On macOS and Windows, with Node.js:</p>
<pre>npm install -g ${url}/bin/coder-cli.tgz</pre>
<p>Then log in; the first user of a new deployment becomes its owner:</p>
<pre>coder login ${url}</pre>
<p><a href="/cli-auth">Get a token for the command line</a> · <a href="/api/v2/openapi.json">Description of the API</a></p>`,
  };
}
