//! Access tokens, roles and scopes.

use super::super::define::define_axes;

define_axes! {
    // Access tokens: section 2.

    /// The response to a token request with scopes that the client was not granted.
    MissingScope {
        InvalidScope "missing-scope-at-token" "The token endpoint rejects the request with `invalid_scope`.",
        Unauthorized "missing-scope-401" "The token endpoint issues a token. An endpoint that requires a missing scope returns 401.",
        Forbidden "missing-scope-403" "The token endpoint issues a token. An endpoint that requires a missing scope returns 403.",
    }
    /// The member `scope` of a token response.
    TokenScope {
        Echoed "token-scope-echoed" "A token response repeats the requested scopes.",
        Absent "token-scope-absent" "A token response has no `scope`.",
        Reduced "token-scope-reduced" "A token response contains only the granted scopes.",
    }
    /// The members `token_type` and `expires_in` of a token response.
    TokenMembers {
        All "token-members-all" "A token response has `token_type`, and `expires_in` as a number.",
        StringExpiry "token-expiry-string" "A token response has `expires_in` as a string.",
        Minimal "token-members-minimal" "A token response has neither `token_type` nor `expires_in`.",
    }
    /// The body of an error of the token endpoint.
    OauthError {
        Rfc6749 "oauth-error-rfc6749" "Errors of the token endpoint are objects with `error` and `error_description`.",
        Envelope "oauth-error-envelope" "Errors of the token endpoint have the envelope of the other endpoints.",
        Empty "oauth-error-empty" "Errors of the token endpoint have no body.",
    }
    /// The status of an error of the token endpoint.
    OauthStatus {
        Rfc6749 "oauth-status-rfc6749" "The token endpoint returns 401 for an invalid client, and 400 for an invalid request or scope.",
        Always400 "oauth-status-400" "The token endpoint returns 400 for every error.",
        Always401 "oauth-status-401" "The token endpoint returns 401 for every error.",
        Always200 "oauth-status-200" "The token endpoint returns 200 for every error.",
    }
    /// The rate limit of the token endpoint.
    TokenLimit {
        None "token-limit-none" "The token endpoint has only the rate limit of the brand.",
        Ten "token-limit-10" "The token endpoint accepts ten calls per minute.",
    }
    /// The error code for an expired token.
    ExpiredToken {
        Dcd7 "expired-token-dcd-7" "An expired token causes 401 with `DCD_7`, like an unknown token.",
        Auth6 "expired-token-auth-6" "An expired token causes 401 with `AUTH_6.0`.",
    }
    /// The response of another data centre than that of the brand (section 1). See `Options::wrong_datacenter`.
    WrongDatacenter {
        Token "wrong-datacenter-at-token" "The token endpoint of a wrong data centre returns 401 with `invalid_client`.",
        Api "wrong-datacenter-at-api" "The token endpoint of a wrong data centre works. All other endpoints return 401 with `DCD_7`.",
    }

    // Roles and scopes: sections 2 and 3.2.

    /// The response to a user who is not a brand administrator, where that role is required.
    NotAdministrator {
        Forbidden "not-administrator-403" "A user without the administrator role receives 403 with `AuthZ_2.0`.",
        Unauthorized "not-administrator-401" "A user without the administrator role receives 401.",
    }
    /// The role that customer data requests require.
    ExportRole {
        Administrator "export-needs-administrator" "Customer data requests require a brand administrator.",
        Any "export-needs-no-role" "Customer data requests require only the scope.",
    }
    /// The scope that `/whoami` requires.
    WhoamiScope {
        None "whoami-needs-no-scope" "`/whoami` requires no scope.",
        ReadUsers "whoami-needs-read-users" "`/whoami` requires `read:users`.",
    }
    /// The scope that the list of directories requires.
    DirectoriesScope {
        ReadDirectories "directories-need-scope" "The list of directories requires `read:directories`.",
        None "directories-need-no-scope" "The list of directories requires no scope.",
    }
    /// The data centre in the response of `/whoami`.
    WhoamiDatacenter {
        Canonical "whoami-datacenter-canonical" "`/whoami` returns the data centre ID of the host name.",
        Alias "whoami-datacenter-alias" "`/whoami` returns an old alias of the data centre.",
    }
    /// The account type of a brand administrator.
    AdministratorType {
        BrandAdmin "administrator-type-usual" "Brand administrators have the account type `UT_BRANDADMIN`.",
        Custom "administrator-type-custom" "Brand administrators have an account type that the brand defined.",
    }
}
