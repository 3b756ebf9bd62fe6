import {
  bool,
  duration,
  int,
  list,
  type Option,
  type OptionGroup,
  type OptionSpec,
  oneOf,
  text,
  url,
} from "../option.ts";

const github: OptionGroup = { name: "OAuth2 / GitHub", yaml: ["oauth2", "github"] };
const provider: OptionGroup = { name: "OAuth2 / Provider", yaml: ["oauth2", "provider"] };
const scim: OptionGroup = { name: "SCIM", yaml: ["scim"] };
const externalAuth: OptionGroup = { name: "External auth", yaml: ["externalAuth"] };
const email: OptionGroup = { name: "Email", yaml: ["email"] };
const notifications: OptionGroup = { name: "Notifications", yaml: ["notifications"] };
const notificationsEmail: OptionGroup = { name: "Notifications / Email", yaml: ["notifications", "email"] };
const prebuilds: OptionGroup = { name: "Workspace prebuilds", yaml: ["workspace_prebuilds"] };

function later(
  group: OptionGroup,
  flag: string,
  yaml: string,
  description: string,
  more: Partial<OptionSpec> = {},
) {
  return { group, flag, yaml, description, comesLater: true, ...more };
}

/** The mail settings exist twice: for all mail, and for notifications alone. */
type MailOptions<Prefix extends string> = {
  [K in `${Prefix}From` | `${Prefix}Smarthost` | `${Prefix}Hello` | `${Prefix}AuthIdentity`]: Option<string>;
} & {
  [K in `${Prefix}AuthUsername` | `${Prefix}AuthPassword` | `${Prefix}AuthPasswordFile`]: Option<string>;
} & {
  [K in `${Prefix}TlsServerName` | `${Prefix}TlsCaCertFile` | `${Prefix}TlsCertFile`]: Option<string>;
} & {
  [K in `${Prefix}TlsCertKeyFile`]: Option<string>;
} & { [K in `${Prefix}ForceTls` | `${Prefix}TlsStarttls` | `${Prefix}TlsSkipVerify`]: Option<boolean> };

function mailOptions<const Prefix extends string>(
  prefix: Prefix,
  flag: string,
  env: string,
  group: OptionGroup,
): MailOptions<Prefix> {
  const spec = (name: string, yaml: string, description: string, more: Partial<OptionSpec> = {}) =>
    later(group, `${flag}-${name}`, yaml, description, more);
  const tls: OptionGroup = { name: group.name, yaml: [...group.yaml, "emailTLS"] };
  const auth: OptionGroup = { name: group.name, yaml: [...group.yaml, "emailAuth"] };
  const options = {
    From: text(spec("from", "from", "Sender of mail.")),
    Smarthost: text(spec("smarthost", "smarthost", "Mail server as host:port.")),
    Hello: text(spec("hello", "hello", "Name with which the server greets the mail server."), "localhost"),
    ForceTls: bool(spec("force-tls", "forceTLS", "Refuses to send mail without TLS.")),
    AuthIdentity: text(spec("auth-identity", "identity", "Identity at the mail server.", { group: auth })),
    AuthUsername: text(spec("auth-username", "username", "User at the mail server.", { group: auth })),
    AuthPassword: text(
      spec("auth-password", "password", "Password at the mail server.", { group: auth, secret: true }),
    ),
    AuthPasswordFile: text(
      spec("auth-password-file", "passwordFile", "File with the password at the mail server.", {
        group: auth,
      }),
    ),
    TlsStarttls: bool(spec("tls-starttls", "startTLS", "Begins TLS with STARTTLS.", { group: tls })),
    TlsServerName: text(
      spec("tls-server-name", "serverName", "Name that the mail server's certificate must have.", {
        group: tls,
        env: `${env}_TLS_SERVERNAME`,
      }),
    ),
    TlsSkipVerify: bool(
      spec("tls-skip-verify", "insecureSkipVerify", "Accepts any certificate of the mail server.", {
        group: tls,
        env: `${env}_TLS_SKIPVERIFY`,
      }),
    ),
    TlsCaCertFile: text(
      spec("tls-ca-cert-file", "caCertFile", "Authorities of the mail server's certificate.", {
        group: tls,
        env: `${env}_TLS_CACERTFILE`,
      }),
    ),
    TlsCertFile: text(
      spec("tls-cert-file", "certFile", "Certificate shown to the mail server.", {
        group: tls,
        env: `${env}_TLS_CERTFILE`,
      }),
    ),
    TlsCertKeyFile: text(
      spec("tls-cert-key-file", "certKeyFile", "Key of the certificate shown to the mail server.", {
        group: tls,
        env: `${env}_TLS_CERTKEYFILE`,
      }),
    ),
  };
  // The type above spells out the keys that this joins.
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => [prefix + name, value]),
  ) as unknown as MailOptions<Prefix>;
}

export const integrationOptions = {
  oauth2GithubClientId: text(later(github, "oauth2-github-client-id", "clientID", "Client id at GitHub.")),
  oauth2GithubClientSecret: text(
    later(github, "oauth2-github-client-secret", "clientSecret", "Client secret at GitHub.", {
      secret: true,
    }),
  ),
  oauth2GithubDeviceFlow: bool(
    later(github, "oauth2-github-device-flow", "deviceFlow", "Logs in by GitHub's device flow."),
  ),
  oauth2GithubDefaultProviderEnable: bool(
    later(
      github,
      "oauth2-github-default-provider-enable",
      "defaultProviderEnable",
      "Offers a GitHub application of the vendor. There is none here.",
    ),
    true,
  ),
  oauth2GithubAllowedOrgs: list(
    later(github, "oauth2-github-allowed-orgs", "allowedOrgs", "GitHub organizations that may log in."),
  ),
  oauth2GithubAllowedTeams: list(
    later(github, "oauth2-github-allowed-teams", "allowedTeams", "GitHub teams (org/team) that may log in."),
  ),
  oauth2GithubAllowSignups: bool(
    later(
      github,
      "oauth2-github-allow-signups",
      "allowSignups",
      "Makes accounts for people who log in first.",
    ),
  ),
  oauth2GithubAllowEveryone: bool(
    later(github, "oauth2-github-allow-everyone", "allowEveryone", "Lets every GitHub account log in."),
  ),
  oauth2GithubEnterpriseBaseUrl: url(
    later(
      github,
      "oauth2-github-enterprise-base-url",
      "enterpriseBaseURL",
      "Address of a GitHub Enterprise.",
    ),
  ),
  oauth2ProviderEnable: bool(
    later(
      provider,
      "oauth2-provider-enable",
      "enable",
      "Makes this server an OAuth 2.1 authorization server.",
    ),
  ),
  scimAuthHeader: text(
    later(scim, "scim-auth-header", "authHeader", "Turns SCIM on and is its secret.", { secret: true }),
  ),
  scimUseLegacy: bool(
    later(scim, "scim-use-legacy", "useLegacy", "Answers SCIM as older versions did."),
    true,
  ),
  externalAuthGithubDefaultProviderEnable: bool(
    later(
      externalAuth,
      "external-auth-github-default-provider-enable",
      "githubDefaultProviderEnable",
      "Offers a GitHub application of the vendor. There is none here.",
    ),
    true,
  ),
  ...mailOptions("email", "email", "CODER_EMAIL", email),
  notificationsMethod: oneOf(
    later(notifications, "notifications-method", "method", "How notifications are delivered."),
    ["smtp", "webhook"],
    "smtp",
  ),
  notificationsDispatchTimeoutMs: duration(
    later(
      notifications,
      "notifications-dispatch-timeout",
      "dispatchTimeout",
      "How long a delivery may take.",
    ),
    "1m",
  ),
  notificationsWebhookEndpoint: url(
    later(notifications, "notifications-webhook-endpoint", "endpoint", "Where webhooks are sent."),
  ),
  notificationsInboxEnabled: bool(
    later(
      notifications,
      "notifications-inbox-enabled",
      "inboxEnabled",
      "Shows notifications in the dashboard.",
    ),
    true,
  ),
  notificationsMaxSendAttempts: int(
    later(notifications, "notifications-max-send-attempts", "maxSendAttempts", "Attempts at each delivery."),
    5,
    1,
  ),
  ...mailOptions(
    "notificationsEmail",
    "notifications-email",
    "CODER_NOTIFICATIONS_EMAIL",
    notificationsEmail,
  ),
  workspacePrebuildsReconciliationIntervalMs: duration(
    later(
      prebuilds,
      "workspace-prebuilds-reconciliation-interval",
      "reconciliation_interval",
      "How often prebuilt workspaces are counted and made.",
    ),
    "1m",
  ),
};
