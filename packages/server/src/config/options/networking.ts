import { address, bool, duration, int, list, type OptionGroup, oneOf, text, url } from "../option.ts";

const networking: OptionGroup = { name: "Networking", yaml: ["networking"] };
const tls: OptionGroup = { name: "Networking / TLS", yaml: ["networking", "tls"] };
const http: OptionGroup = { name: "Networking / HTTP", yaml: ["networking", "http"] };
const derp: OptionGroup = { name: "Networking / Relay", yaml: ["networking", "derp"] };

export const networkingOptions = {
  accessUrl: url({
    flag: "access-url",
    group: networking,
    description:
      "The URL at which users and workspaces reach this server. Default: the first listener's address.",
  }),
  wildcardAccessUrl: text({
    flag: "wildcard-access-url",
    group: networking,
    comesLater: true,
    description: "Host pattern for workspace applications, such as *.example.com.",
  }),
  docsUrl: url(
    { flag: "docs-url", group: networking, description: "Where links to the documentation lead." },
    "https://coder.com/docs",
  ),
  redirectToAccessUrl: bool({
    flag: "redirect-to-access-url",
    group: networking,
    description: "Sends requests for another host to the access URL.",
  }),
  httpAddress: address(
    {
      flag: "http-address",
      group: http,
      description: "Address of the HTTP listener as host:port. Empty: no HTTP.",
    },
    "127.0.0.1:3000",
  ),
  proxyTrustedHeaders: list({
    flag: "proxy-trusted-headers",
    group: http,
    description: "Headers in which trusted proxies name the client's address, such as X-Forwarded-For.",
  }),
  proxyTrustedOrigins: list({
    flag: "proxy-trusted-origins",
    group: http,
    description: "Networks (CIDR) of the proxies whose headers are believed.",
  }),
  secureAuthCookie: oneOf(
    {
      flag: "secure-auth-cookie",
      group: networking,
      description: "Whether the session cookie is Secure. auto: when the access URL is https.",
    },
    ["auto", "true", "false"],
    "auto",
  ),
  samesiteAuthCookie: oneOf(
    { flag: "samesite-auth-cookie", group: networking, description: "SameSite of the session cookie." },
    ["lax", "none"],
    "lax",
  ),
  hostPrefixCookie: bool({
    flag: "host-prefix-cookie",
    group: networking,
    description: "Gives cookies the __Host- prefix, which browsers bind to one host and to https.",
  }),
  additionalCspPolicy: list({
    flag: "additional-csp-policy",
    group: networking,
    description:
      'Directives appended to the Content-Security-Policy, such as "frame-src https://example.com".',
  }),
  browserOnly: bool({
    flag: "browser-only",
    group: networking,
    comesLater: true,
    description: "Allows connections to workspaces through the dashboard only.",
  }),
  clusterHost: text({
    flag: "cluster-host",
    group: networking,
    comesLater: true,
    description: "Host name under which other replicas reach this one.",
  }),
  mcpAllowedPrivateCidrs: list({
    flag: "mcp-allowed-private-cidrs",
    group: networking,
    comesLater: true,
    description: "Private networks that MCP servers may be in.",
  }),

  tlsEnable: bool({ flag: "tls-enable", yaml: "enable", group: tls, description: "Listens for HTTPS too." }),
  tlsAddress: address(
    {
      flag: "tls-address",
      yaml: "address",
      group: tls,
      description: "Address of the HTTPS listener as host:port.",
    },
    "127.0.0.1:3443",
  ),
  tlsCertFiles: list({
    flag: "tls-cert-file",
    yaml: "certFiles",
    group: tls,
    description: "PEM certificates with their chains, one for each key. Read again when a file changes.",
  }),
  tlsKeyFiles: list({
    flag: "tls-key-file",
    yaml: "keyFiles",
    group: tls,
    description: "PEM keys, in the order of the certificates.",
  }),
  tlsClientCaFile: text({
    flag: "tls-client-ca-file",
    yaml: "clientCAFile",
    group: tls,
    description: "PEM certificates of authorities whose client certificates are accepted.",
  }),
  tlsClientAuth: oneOf(
    {
      flag: "tls-client-auth",
      yaml: "clientAuth",
      group: tls,
      description: "Whether clients are asked for a certificate, and what is done about it.",
    },
    ["none", "request", "require-any", "verify-if-given", "require-and-verify"],
    "none",
  ),
  tlsMinVersion: oneOf(
    { flag: "tls-min-version", yaml: "minVersion", group: tls, description: "Oldest TLS version accepted." },
    ["tls10", "tls11", "tls12", "tls13"],
    "tls12",
  ),
  tlsClientCertFile: text({
    flag: "tls-client-cert-file",
    yaml: "clientCertFile",
    group: tls,
    comesLater: true,
    description: "Certificate that this server shows to identity providers.",
  }),
  tlsClientKeyFile: text({
    flag: "tls-client-key-file",
    yaml: "clientKeyFile",
    group: tls,
    comesLater: true,
    description: "Key of the certificate that this server shows to identity providers.",
  }),
  tlsCiphers: list({
    flag: "tls-ciphers",
    yaml: "tlsCiphers",
    group: tls,
    description: "Cipher suites for TLS 1.2 and older. Empty: the safe ones.",
  }),
  tlsAllowInsecureCiphers: bool({
    flag: "tls-allow-insecure-ciphers",
    yaml: "tlsAllowInsecureCiphers",
    group: tls,
    description: "Accepts cipher suites that are known to be weak in --tls-ciphers.",
  }),
  strictTransportSecurity: int(
    {
      flag: "strict-transport-security",
      yaml: "strictTransportSecurity",
      group: tls,
      description: "Seconds (max-age) of the Strict-Transport-Security header. 0: no header.",
    },
    0,
  ),
  strictTransportSecurityOptions: list({
    flag: "strict-transport-security-options",
    yaml: "strictTransportSecurityOptions",
    group: tls,
    description: "Further parts of that header: includeSubDomains, preload.",
  }),

  sessionDurationMs: duration(
    {
      flag: "session-duration",
      group: http,
      description: "How long a browser session lasts after its last use.",
    },
    "24h",
  ),
  disableSessionExpiryRefresh: bool({
    flag: "disable-session-expiry-refresh",
    group: http,
    description: "Ends sessions after their duration even when they are in use.",
  }),
  disablePasswordAuth: bool({
    flag: "disable-password-auth",
    group: http,
    description: "Refuses logins with a password, except by Owners.",
  }),
  maxTokenLifetimeMs: duration(
    { flag: "max-token-lifetime", group: http, description: "Longest lifetime of an API token." },
    "876600h",
  ),
  maxAdminTokenLifetimeMs: duration(
    {
      flag: "max-admin-token-lifetime",
      group: http,
      description: "Longest lifetime of an API token of an account with the Owner role.",
    },
    "168h",
  ),
  defaultTokenLifetimeMs: duration(
    {
      flag: "default-token-lifetime",
      group: http,
      description: "Lifetime of keys of command lines, and of tokens for which none is asked.",
    },
    "168h",
  ),
  defaultOauthRefreshLifetimeMs: duration(
    {
      flag: "default-oauth-refresh-lifetime",
      group: http,
      comesLater: true,
      description: "Lifetime of OAuth2 refresh tokens.",
    },
    "720h",
  ),
  proxyHealthIntervalMs: duration(
    {
      flag: "proxy-health-interval",
      yaml: "proxyHealthInterval",
      group: http,
      comesLater: true,
      description: "How often workspace proxies are checked.",
    },
    "1m",
  ),
  apiRateLimit: int(
    {
      flag: "api-rate-limit",
      yaml: "apiRateLimit",
      group: http,
      hidden: true,
      description: "Requests per minute, user and route. Negative: no limit.",
    },
    512,
    -1,
  ),
  dangerousDisableRateLimits: bool({
    flag: "dangerous-disable-rate-limits",
    group: http,
    hidden: true,
    description: "Turns all rate limits off, those against guessing passwords included.",
  }),

  derpServerEnable: bool(
    {
      flag: "derp-server-enable",
      yaml: "enable",
      group: derp,
      comesLater: true,
      description: "Relays connections to workspaces through this server.",
    },
    true,
  ),
  derpServerRegionName: text(
    {
      flag: "derp-server-region-name",
      yaml: "regionName",
      group: derp,
      comesLater: true,
      description: "Name of this server's region.",
    },
    "Coder Embedded Relay",
  ),
  derpServerRegionId: int(
    {
      flag: "derp-server-region-id",
      yaml: "regionID",
      group: derp,
      hidden: true,
      comesLater: true,
      description: "Number of this server's region.",
    },
    999,
  ),
  derpServerRegionCode: text(
    {
      flag: "derp-server-region-code",
      yaml: "regionCode",
      group: derp,
      hidden: true,
      comesLater: true,
      description: "Short name of this server's region.",
    },
    "coder",
  ),
  derpServerStunAddresses: list(
    {
      flag: "derp-server-stun-addresses",
      yaml: "stunAddresses",
      group: derp,
      comesLater: true,
      description: "STUN servers for direct connections. disable: none, which is the default here.",
    },
    ["disable"],
  ),
  derpServerRelayUrl: url({
    flag: "derp-server-relay-url",
    yaml: "relayURL",
    group: derp,
    comesLater: true,
    description: "URL at which other replicas reach this one.",
  }),
  derpConfigUrl: url({
    flag: "derp-config-url",
    yaml: "url",
    group: derp,
    comesLater: true,
    description: "Where a map of further relays is fetched.",
  }),
  derpConfigPath: text({
    flag: "derp-config-path",
    yaml: "configPath",
    group: derp,
    comesLater: true,
    description: "File with a map of further relays.",
  }),
  derpForceWebsockets: bool({
    flag: "derp-force-websockets",
    yaml: "forceWebSockets",
    group: derp,
    comesLater: true,
    description: "Uses WebSockets for relayed connections. Connections here always do.",
  }),
  blockDirectConnections: bool({
    flag: "block-direct-connections",
    env: "CODER_BLOCK_DIRECT",
    yaml: "blockDirect",
    group: derp,
    comesLater: true,
    description: "Relays every connection. Connections here always are.",
  }),
};
