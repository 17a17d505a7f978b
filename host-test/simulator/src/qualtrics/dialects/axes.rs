//! The axes of tokens, envelopes, lists, users and erasures, in the order of the fact sheet. The first dialect of an axis is its
//! default.

use super::define::define_axes;

define_axes! {
    // Access tokens: section 2.

    /// The response to a token request with scopes that the client was not granted.
    missing_scope: MissingScope {
        InvalidScope "missing-scope-at-token" "The token endpoint rejects the request with `invalid_scope`.",
        Unauthorized "missing-scope-401" "The token endpoint issues a token. An endpoint that requires a missing scope returns 401.",
        Forbidden "missing-scope-403" "The token endpoint issues a token. An endpoint that requires a missing scope returns 403.",
    }
    /// The member `scope` of a token response.
    token_scope: TokenScope {
        Echoed "token-scope-echoed" "A token response repeats the requested scopes.",
        Absent "token-scope-absent" "A token response has no `scope`.",
        Reduced "token-scope-reduced" "A token response contains only the granted scopes.",
    }
    /// The members `token_type` and `expires_in` of a token response.
    token_members: TokenMembers {
        All "token-members-all" "A token response has `token_type`, and `expires_in` as a number.",
        StringExpiry "token-expiry-string" "A token response has `expires_in` as a string.",
        Minimal "token-members-minimal" "A token response has neither `token_type` nor `expires_in`.",
    }
    /// The body of an error of the token endpoint.
    oauth_error: OauthError {
        Rfc6749 "oauth-error-rfc6749" "Errors of the token endpoint are objects with `error` and `error_description`.",
        Envelope "oauth-error-envelope" "Errors of the token endpoint have the envelope of the other endpoints.",
        Empty "oauth-error-empty" "Errors of the token endpoint have no body.",
    }
    /// The status of an error of the token endpoint.
    oauth_status: OauthStatus {
        Rfc6749 "oauth-status-rfc6749" "The token endpoint returns 401 for an invalid client, and 400 for an invalid request or scope.",
        Always400 "oauth-status-400" "The token endpoint returns 400 for every error.",
        Always401 "oauth-status-401" "The token endpoint returns 401 for every error.",
    }
    /// The rate limit of the token endpoint.
    token_limit: TokenLimit {
        None "token-limit-none" "The token endpoint has only the rate limit of the brand.",
        Ten "token-limit-10" "The token endpoint accepts ten calls per minute.",
    }
    /// The error code for an expired token.
    expired_token: ExpiredToken {
        Dcd7 "expired-token-dcd-7" "An expired token causes 401 with `DCD_7`, like an unknown token.",
        Auth6 "expired-token-auth-6" "An expired token causes 401 with `AUTH_6.0`.",
    }
    /// The response of another data centre than that of the brand (section 1). See `Options::wrong_datacenter`.
    wrong_datacenter: WrongDatacenter {
        Token "wrong-datacenter-at-token" "The token endpoint of a wrong data centre returns 401 with `invalid_client`.",
        Api "wrong-datacenter-at-api" "The token endpoint of a wrong data centre works. All other endpoints return 401 with `DCD_7`.",
    }

    // Roles and scopes: sections 2 and 3.2.

    /// The response to a user who is not a brand administrator, where that role is required.
    not_administrator: NotAdministrator {
        Forbidden "not-administrator-403" "A user without the administrator role receives 403 with `AuthZ_2.0`.",
        Unauthorized "not-administrator-401" "A user without the administrator role receives 401.",
    }
    /// The role that customer data requests require.
    export_role: ExportRole {
        Administrator "export-needs-administrator" "Customer data requests require a brand administrator.",
        Any "export-needs-no-role" "Customer data requests require only the scope.",
    }
    /// The scope that `/whoami` requires.
    whoami_scope: WhoamiScope {
        None "whoami-needs-no-scope" "`/whoami` requires no scope.",
        ReadUsers "whoami-needs-read-users" "`/whoami` requires `read:users`.",
    }
    /// The scope that the list of directories requires.
    directories_scope: DirectoriesScope {
        ReadDirectories "directories-need-scope" "The list of directories requires `read:directories`.",
        None "directories-need-no-scope" "The list of directories requires no scope.",
    }
    /// The data centre in the response of `/whoami`.
    whoami_datacenter: WhoamiDatacenter {
        Canonical "whoami-datacenter-canonical" "`/whoami` returns the data centre ID of the host name.",
        Alias "whoami-datacenter-alias" "`/whoami` returns an old alias of the data centre.",
    }
    /// The account type of a brand administrator.
    administrator_type: AdministratorType {
        BrandAdmin "administrator-type-usual" "Brand administrators have the account type `UT_BRANDADMIN`.",
        Custom "administrator-type-custom" "Brand administrators have an account type that the brand defined.",
    }

    // Envelope, errors and limits: section 3.

    /// The member `meta.requestId`.
    request_id: RequestId {
        Uuid "request-id-uuid" "`meta.requestId` is a UUID.",
        Null "request-id-null" "`meta.requestId` is null.",
        Empty "request-id-empty" "`meta.requestId` is an empty string.",
        Missing "request-id-missing" "`meta` has no `requestId`.",
    }
    /// The member `meta.httpStatus`.
    http_status: HttpStatus {
        Text "http-status-text" "`meta.httpStatus` is like `200 - OK`.",
        Number "http-status-number" "`meta.httpStatus` is a string with only the number.",
    }
    /// The member `meta.notice` (section 1).
    notice: Notice {
        Absent "notice-absent" "`meta` has no notice.",
        Proxied "notice-proxied" "`meta.notice` says that the request was proxied to another host.",
    }
    /// The envelope of an error.
    error_envelope: ErrorEnvelope {
        Modern "error-envelope-modern" "An error is `meta.error` with `errorCode` and `errorMessage`.",
        Old "error-envelope-old" "An error is `meta` with `internalErrorCode`, and a null `result`.",
        Instance "error-envelope-instance" "An error is `meta.error` with `errorCode` and `instanceId`, without a message.",
    }
    /// The status for an unknown ID.
    not_found: NotFound {
        Status404 "not-found-404" "An unknown ID causes 404.",
        Status400 "not-found-400" "An unknown ID causes 400, like a malformed ID.",
    }
    /// The retry hint of a 429.
    retry_after: RetryAfter {
        Seconds "retry-after-seconds" "A 429 has `Retry-After` in seconds.",
        Date "retry-after-date" "A 429 has `Retry-After` as a date.",
        Absent "retry-after-absent" "A 429 has no retry hint.",
        Body "retry-after-body" "A 429 has the seconds in `meta.error.retryAfter`, and no header.",
    }
    /// How many requests may be in progress at once.
    concurrency: Concurrency {
        Unlimited "concurrency-unlimited" "Any number of requests may be in progress at once.",
        Four "concurrency-four" "A fifth request while four are in progress causes 429.",
    }
    /// The format of most timestamps.
    dates: Dates {
        Seconds "dates-seconds" "Timestamps are ISO 8601 with whole seconds and `Z`.",
        Fraction "dates-fraction" "Timestamps are ISO 8601 with milliseconds and `Z`.",
        EpochMillis "dates-epoch-ms" "Timestamps are milliseconds since 1970, as numbers.",
        EpochMillisText "dates-epoch-ms-text" "Timestamps are milliseconds since 1970, as strings.",
    }
    /// Undocumented members of responses.
    extra_members: ExtraMembers {
        None "extra-members-none" "Responses have only documented members.",
        Some "extra-members-some" "Responses, their results and the elements of lists have undocumented members.",
    }
    /// The content type of JSON.
    content_type: ContentType {
        Charset "content-type-charset" "JSON has the content type `application/json;charset=utf-8`.",
        Plain "content-type-plain" "JSON has the content type `application/json`.",
    }

    // Lists.

    /// The link to the next page of a list of users, directories, contacts or erasures.
    next_page: NextPage {
        Url "next-page-url" "`result.nextPage` is a URL of the same origin.",
        OtherHost "next-page-other-host" "`result.nextPage` is a URL of another data centre, with `proxyDepth` and `proxyInfo`.",
        Token "next-page-token" "`result.nextPage` is the cursor without a URL.",
        Links "next-page-links" "`result.links.next.href` is the URL of the next page. There is no `nextPage`.",
    }
    /// The link on the last page of such a list.
    last_page: LastPage {
        Null "last-page-null" "`nextPage` of the last page is null.",
        Absent "last-page-absent" "The last page has no `nextPage`.",
    }
    /// The cursor of the erasure list.
    erasure_cursor: ErasureCursor {
        Offset "erasure-cursor-offset" "The cursor of the erasure list is a number, passed as `offset`.",
        SkipToken "erasure-cursor-skip-token" "The cursor of the erasure list is opaque, passed as `skipToken`.",
    }
    /// The effect of a `pageSize` above 100.
    page_size: PageSize {
        Refused "page-size-refused" "A `pageSize` above 100 causes 400.",
        Clamped "page-size-clamped" "A `pageSize` above 100 counts as 100.",
    }

    // Users: section 5.

    /// The user name of an account.
    user_name: UserName {
        Plain "user-name-plain" "User names are e-mail addresses.",
        Brand "user-name-brand" "User names are e-mail addresses followed by `#` and the brand ID.",
    }
    /// The e-mail address of an account.
    user_email: UserEmail {
        Present "user-email-present" "Users have an `email`.",
        Null "user-email-null" "`email` is null if the user name is the same address.",
    }

    // Erasure: section 6.

    /// The default of `searchOnly`.
    search_only_default: SearchOnlyDefault {
        Erase "search-only-omitted-erases" "A request without `searchOnly` erases.",
        Search "search-only-omitted-searches" "A request without `searchOnly` only searches.",
    }
    /// How many addresses a request may have.
    address_limit: AddressLimit {
        None "address-limit-none" "An erasure request may have any number of addresses.",
        FiveHundred "address-limit-500" "An erasure request with more than 500 addresses causes 400.",
    }
    /// Which addresses of a request are processed.
    addresses_done: AddressesDone {
        All "addresses-done-all" "An erasure processes every address of the request.",
        First "addresses-done-first" "An erasure processes only the first address of the request.",
    }
    /// How an erasure compares addresses.
    address_case: AddressCase {
        Ignored "address-case-ignored" "An erasure ignores the case of addresses.",
        Exact "address-case-exact" "An erasure respects the case of addresses.",
    }
    /// The case of the addresses in `emailList`.
    email_list_case: EmailListCase {
        AsSent "email-list-as-sent" "`emailList` has the addresses as they were sent.",
        Lower "email-list-lower-case" "`emailList` has the addresses in lower case.",
    }
    /// The addresses in `emailList`.
    email_list: EmailList {
        Whole "email-list-whole" "`emailList` has every address.",
        First "email-list-first" "`emailList` has only the first address.",
        Masked "email-list-masked" "`emailList` has masked addresses, like `a***@example.org`.",
        Hashed "email-list-hashed" "`emailList` has SHA-256 hashes of the addresses.",
    }
    /// The response to a look-up by ID before the job is completed.
    early_erasure: EarlyErasure {
        Status404 "early-erasure-404" "The look-up of an erasure by ID returns 404 until the job is completed.",
        Status400 "early-erasure-400" "The look-up of an erasure by ID returns 400 until the job is completed.",
        Status409 "early-erasure-409" "The look-up of an erasure by ID returns 409 until the job is completed.",
        Status500 "early-erasure-500" "The look-up of an erasure by ID returns 500 until the job is completed.",
        Status200 "early-erasure-200" "The look-up of an erasure by ID works from the start.",
    }
    /// The status of a completed erasure.
    erasure_done: ErasureDone {
        Completed "erasure-done-completed" "The status of a completed erasure is `Completed`.",
        CompletedLower "erasure-done-completed-lower" "The status of a completed erasure is `completed`.",
        CompleteUpper "erasure-done-complete-upper" "The status of a completed erasure is `COMPLETE`.",
        Done "erasure-done-done" "The status of a completed erasure is `Done`.",
        Success "erasure-done-success" "The status of a completed erasure is `Success`.",
        Succeeded "erasure-done-succeeded" "The status of a completed erasure is `Succeeded`.",
        Finished "erasure-done-finished" "The status of a completed erasure is `Finished`.",
    }
    /// The status of an erasure in progress.
    erasure_pending: ErasurePending {
        Pending "erasure-pending-pending" "The status of an erasure in progress is `Pending`.",
        Queued "erasure-pending-queued" "The status of an erasure in progress is `Queued`.",
        InProgress "erasure-pending-in-progress" "The status of an erasure in progress is `In Progress`.",
        InProgressCamel "erasure-pending-in-progress-camel" "The status of an erasure in progress is `inProgress`.",
        Running "erasure-pending-running" "The status of an erasure in progress is `Running`.",
        Null "erasure-pending-null" "The status of an erasure in progress is null.",
    }
    /// The status of a failed erasure.
    erasure_failed: ErasureFailed {
        Failed "erasure-failed-failed" "The status of a failed erasure is `Failed`.",
        Failure "erasure-failed-failure" "The status of a failed erasure is `FAILURE`.",
        Error "erasure-failed-error" "The status of a failed erasure is `error`.",
        Cancelled "erasure-failed-cancelled" "The status of a failed erasure is `Cancelled`.",
        Rejected "erasure-failed-rejected" "The status of a failed erasure is `Rejected`.",
        Reason "erasure-failed-reason-only" "The status of a failed erasure is `Ended`. Only `failureReason` shows the failure.",
    }
    /// The order of the erasure list.
    erasure_order: ErasureOrder {
        NewestFirst "erasure-list-newest-first" "The erasure list starts with the newest job.",
        OldestFirst "erasure-list-oldest-first" "The erasure list starts with the oldest job.",
    }
    /// The members of an erasure in progress in the list.
    erasure_at_work: ErasureAtWork {
        Whole "erasure-at-work-whole" "The list has every member of an erasure in progress.",
        NoAddresses "erasure-at-work-no-addresses" "The list has no `emailList` for an erasure in progress.",
        Sparse "erasure-at-work-sparse" "The list has only ID, status and `created` of an erasure in progress.",
    }
    /// The timestamps of a completed erasure.
    erasure_times: ErasureTimes {
        Told "erasure-times-told" "A completed erasure has `created` and `updated`.",
        Hidden "erasure-times-hidden" "`created` and `updated` of a completed erasure are null.",
    }
    /// When a new erasure appears in the list.
    erasure_lag: ErasureLag {
        None "erasure-lag-none" "A new erasure is in the list immediately.",
        Seconds20 "erasure-lag-20-s" "A new erasure appears in the list after 20 seconds.",
    }
    /// How long the list keeps an erasure.
    erasure_retention: ErasureRetention {
        Ever "erasure-retention-ever" "The erasure list keeps all jobs.",
        Days30 "erasure-retention-30-days" "The erasure list drops a job 30 days after its end. The look-up by ID still works.",
    }
    /// The name of the ID of an erasure.
    erasure_id: ErasureId {
        Lower "erasure-id-requestid" "The list and the look-up have the ID in `requestid`.",
        Camel "erasure-id-request-id" "The list and the look-up have the ID in `requestId`.",
        Id "erasure-id-id" "The list and the look-up have the ID in `id`.",
    }
    /// The member `emailsNotFound`.
    emails_not_found: EmailsNotFound {
        Array "emails-not-found-array" "`emailsNotFound` is an array of addresses.",
        Number "emails-not-found-number" "`emailsNotFound` is a number.",
        String "emails-not-found-string" "`emailsNotFound` is a string of addresses separated by commas, empty if there are none.",
        Null "emails-not-found-null" "`emailsNotFound` is null.",
    }
    /// The member `searchOnly`.
    search_only: SearchOnly {
        Bool "search-only-bool" "`searchOnly` is returned as a boolean.",
        String "search-only-string" "`searchOnly` is returned as a string.",
    }
    /// The counts of what an erasure found.
    erasure_counters: ErasureCounters {
        Absent "erasure-counters-absent" "An erasure has no counts.",
        Members "erasure-counters-members" "A completed erasure has `responses`, `contacts`, `users` and other counts as members.",
        Nested "erasure-counters-nested" "A completed erasure has these counts in an object `summary`.",
    }
}
