import { bool, json, list, type OptionGroup, type OptionSpec, text, url } from "../option.ts";

const oidc: OptionGroup = { name: "OIDC", yaml: ["oidc"] };

// The flags say "oidc-", the YAML section says it already.
function later(flag: string, description: string, more: Partial<OptionSpec> = {}): OptionSpec {
  return { flag, group: oidc, description, comesLater: true, ...more };
}

export const oidcOptions = {
  oidcIssuerUrl: url(later("oidc-issuer-url", "Issuer of the identity provider.", { yaml: "issuerURL" })),
  oidcClientId: text(later("oidc-client-id", "Client id at the identity provider.", { yaml: "clientID" })),
  oidcClientSecret: text(
    later("oidc-client-secret", "Client secret at the identity provider.", { secret: true }),
  ),
  oidcClientKeyFile: text(
    later("oidc-client-key-file", "Key with which the server signs in place of a client secret.", {
      yaml: "oidcClientKeyFile",
    }),
  ),
  oidcClientCertFile: text(
    later("oidc-client-cert-file", "Certificate of that key.", { yaml: "oidcClientCertFile" }),
  ),
  oidcScopes: list(later("oidc-scopes", "Scopes asked of the identity provider.", { yaml: "scopes" }), [
    "openid",
    "profile",
    "email",
  ]),
  oidcAllowSignups: bool(
    later("oidc-allow-signups", "Makes accounts for people who log in first.", { yaml: "allowSignups" }),
    true,
  ),
  oidcEmailDomain: list(
    later("oidc-email-domain", "Domains whose e-mail addresses may log in.", { yaml: "emailDomain" }),
  ),
  oidcIgnoreEmailVerified: bool(
    later("oidc-ignore-email-verified", "Accepts addresses that the provider has not verified.", {
      yaml: "ignoreEmailVerified",
    }),
  ),
  oidcUsernameField: text(
    later("oidc-username-field", "Claim for the username.", { yaml: "usernameField" }),
    "preferred_username",
  ),
  oidcNameField: text(later("oidc-name-field", "Claim for the full name.", { yaml: "nameField" }), "name"),
  oidcEmailField: text(later("oidc-email-field", "Claim for the e-mail.", { yaml: "emailField" }), "email"),
  oidcAuthUrlParams: json(
    later("oidc-auth-url-params", "Parameters added to the authorization URL.", { yaml: "authURLParams" }),
    { access_type: "offline" },
  ),
  oidcIgnoreUserinfo: bool(
    later("oidc-ignore-userinfo", "Uses the claims of the ID token only.", { yaml: "ignoreUserInfo" }),
  ),
  oidcGroupField: text(later("oidc-group-field", "Claim that lists groups.", { yaml: "groupField" })),
  oidcGroupMapping: json(
    later("oidc-group-mapping", "Groups by the provider's names.", { yaml: "groupMapping" }),
  ),
  oidcGroupAutoCreate: bool(
    later("oidc-group-auto-create", "Makes groups that do not exist.", { yaml: "enableGroupAutoCreate" }),
  ),
  oidcGroupRegexFilter: text(
    later("oidc-group-regex-filter", "Groups whose names do not match are ignored.", {
      yaml: "groupRegexFilter",
    }),
    ".*",
  ),
  oidcAllowedGroups: list(
    later("oidc-allowed-groups", "Only members of these groups may log in.", { yaml: "groupAllowed" }),
  ),
  oidcUserRoleField: text(
    later("oidc-user-role-field", "Claim that lists site roles.", { yaml: "userRoleField" }),
  ),
  oidcUserRoleMapping: json(
    later("oidc-user-role-mapping", "Site roles by the provider's names.", { yaml: "userRoleMapping" }),
  ),
  oidcUserRoleDefault: list(
    later("oidc-user-role-default", "Site roles that everybody gets.", { yaml: "userRoleDefault" }),
  ),
  oidcSignInText: text(
    later("oidc-sign-in-text", "Text of the login button.", { yaml: "signInText" }),
    "OpenID Connect",
  ),
  oidcIconUrl: url(later("oidc-icon-url", "Icon of the login button.", { yaml: "iconURL" })),
  oidcSignupsDisabledText: text(
    later("oidc-signups-disabled-text", "What people without an account are told.", {
      yaml: "signupsDisabledText",
    }),
  ),
  oidcRedirectUrl: url(
    later("oidc-redirect-url", "Address to come back to, when it is not the access URL's.", {
      yaml: "oidc-redirect-url",
    }),
  ),
  dangerousOidcSkipIssuerChecks: bool(
    later("dangerous-oidc-skip-issuer-checks", "Accepts tokens of another issuer.", {
      yaml: "dangerousSkipIssuerChecks",
    }),
  ),
};
