import { readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { rootCertificates, setDefaultCACertificates } from "node:tls";

const proxyNames = ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"];

/**
 * Certificate authorities beyond Node's own list: `SSL_CERT_FILE` and `SSL_CERT_DIR`, which Node does not read.
 * Undefined when neither is set: then Node's default applies.
 */
export async function certificateAuthorities(env: NodeJS.ProcessEnv): Promise<string[] | undefined> {
  if (!env.SSL_CERT_FILE && !env.SSL_CERT_DIR) return undefined;
  const extra: string[] = [];
  if (env.SSL_CERT_FILE) extra.push(await readFile(env.SSL_CERT_FILE, "utf8"));
  for (const dir of (env.SSL_CERT_DIR ?? "").split(":").filter(Boolean)) {
    for (const name of await readdir(dir)) {
      if (/\.(pem|crt|0)$/.test(name)) extra.push(await readFile(join(dir, name), "utf8"));
    }
  }
  return [...rootCertificates, ...systemCertificates(), ...extra];
}

function systemCertificates(): string[] {
  for (const file of ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"]) {
    try {
      return [readFileSync(file, "utf8")];
    } catch {
      // Not this distribution's place: the next one, or none, which leaves Node's own list.
    }
  }
  return [];
}

/**
 * A `fetch` that honours `HTTP(S)_PROXY`, `NO_PROXY`, `SSL_CERT_FILE` and `SSL_CERT_DIR`. It is Node's own where
 * there is no proxy: loading undici takes longer than most commands.
 */
export function createFetch(env: NodeJS.ProcessEnv): typeof fetch {
  const hasProxy = proxyNames.some((name) => env[name]);
  if (!hasProxy && !env.SSL_CERT_FILE && !env.SSL_CERT_DIR) return fetch;
  const authorities = once(() => certificateAuthorities(env));
  const trusted = once(async () => setDefaultCACertificates((await authorities()) ?? []));
  const proxied = once(async () => {
    const [undici, ca] = await Promise.all([import("undici"), authorities()]);
    const tls = ca ? { ca } : {};
    const dispatcher = new undici.EnvHttpProxyAgent({ connect: tls, requestTls: tls, proxyTls: tls });
    return (input: string, init?: RequestInit) => undici.fetch(input, { ...(init as object), dispatcher });
  });
  const own = async (input: string, init?: RequestInit) => {
    if (hasProxy) return (await proxied())(input, init);
    if (input.startsWith("https:")) await trusted();
    return fetch(input, init);
  };
  // undici's types and the platform's describe the same objects under different names.
  return own as unknown as typeof fetch;
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

/** The `agent` and `ca` options with which `ws` reaches this address through the same proxies and authorities. */
export async function webSocketNetwork(
  env: NodeJS.ProcessEnv,
  url: string | URL,
): Promise<{ agent?: import("node:http").Agent; ca?: string[] }> {
  const authorities = await certificateAuthorities(env);
  const ca: { ca?: string[] } = authorities ? { ca: authorities } : {};
  if (!proxyNames.some((name) => env[name])) return ca;
  const [{ getProxyForUrl }, { HttpsProxyAgent }] = await Promise.all([
    import("proxy-from-env"),
    import("https-proxy-agent"),
  ]);
  // The variables speak of http and https only, and NO_PROXY of their ports.
  const target = new URL(url);
  target.protocol = target.protocol === "wss:" || target.protocol === "https:" ? "https:" : "http:";
  const proxy = getProxyForUrl(target);
  // By CONNECT in either case: proxies do not pass upgrades of requests that they read.
  return proxy === "" ? ca : { agent: new HttpsProxyAgent<string>(proxy, ca), ...ca };
}
