//! The points on which nobody outside Qualtrics is sure, each with the answers that it may have.

use std::fmt;

use rand::{Rng, SeedableRng, rngs::SmallRng};

/// One possible answer to one open question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// The question: the name of a field of [`Dialects`]. A brand speaks one dialect of each axis.
    pub axis: &'static str,
    /// The name by which [`Dialects::parse`] knows it; unique among all axes.
    pub name: &'static str,
    /// What Qualtrics does under it.
    pub sentence: &'static str,
    /// Whether it is the one of its axis that a brand speaks unless told otherwise.
    pub default: bool,
}

/// Why a list of dialects cannot be read. The name is the caller's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DialectError {
    /// No dialect has this name.
    Unknown(String),
    /// Another dialect of the same axis was named before.
    Contradiction(String),
}

impl fmt::Display for DialectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => write!(f, "there is no dialect {name:?}"),
            Self::Contradiction(name) => write!(f, "{name:?} contradicts a dialect named before it"),
        }
    }
}

impl std::error::Error for DialectError {}

macro_rules! dialects {
    ($(
        $(#[$about:meta])*
        $field:ident: $axis:ident {
            $first:ident $first_name:literal $first_sentence:literal,
            $($value:ident $name:literal $sentence:literal,)+
        }
    )+) => {
        $(
            $(#[$about])*
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
            pub enum $axis {
                #[default]
                #[doc = $first_sentence]
                $first,
                $(
                    #[doc = $sentence]
                    $value,
                )+
            }
        )+

        /// One dialect of every axis: what a brand of the simulator speaks. The default is the best guess of each.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Dialects {
            $(
                $(#[$about])*
                pub $field: $axis,
            )+
        }

        impl Dialect {
            /// All dialects, axis by axis; the first of an axis is its default.
            #[must_use]
            pub fn all() -> Vec<Self> {
                vec![$(
                    Self { axis: stringify!($field), name: $first_name, sentence: $first_sentence, default: true },
                    $(Self { axis: stringify!($field), name: $name, sentence: $sentence, default: false },)+
                )+]
            }
        }

        impl Dialects {
            /// The names of what is spoken, one an axis, in the order of [`Dialect::all`].
            #[must_use]
            pub fn names(&self) -> Vec<&'static str> {
                vec![$(
                    match self.$field {
                        $axis::$first => $first_name,
                        $($axis::$value => $name,)+
                    },
                )+]
            }

            /// Speaks the dialect of this name, and says which axis it is of.
            fn speak(&mut self, name: &str) -> Option<&'static str> {
                $(
                    match name {
                        $first_name => { self.$field = $axis::$first; return Some(stringify!($field)); }
                        $($name => { self.$field = $axis::$value; return Some(stringify!($field)); })+
                        _ => {}
                    }
                )+
                None
            }

            /// One dialect of each axis by lot; the same seed draws the same.
            ///
            /// Some change what a brand has or does, and not only how it says so: `addresses_done`, `address_case`,
            /// `xm_directory`, `file_expiry`, `concurrency` and `token_limit` may have to be set back for a test.
            #[must_use]
            pub fn random(seed: u64) -> Self {
                let mut lot = SmallRng::seed_from_u64(seed);
                Self {
                    $($field: {
                        let values = [$axis::$first, $($axis::$value),+];
                        values[lot.random_range(0..values.len())]
                    },)+
                }
            }
        }
    };
}

impl Dialects {
    /// Reads names, separated by commas and blanks; axes that are not named keep their default.
    ///
    /// # Errors
    /// A name that is not known, or two of one axis.
    pub fn parse(names: &str) -> Result<Self, DialectError> {
        let mut dialects = Self::default();
        let mut spoken = Vec::new();
        for name in names.split([',', ' ']).filter(|name| !name.is_empty()) {
            let axis = dialects.speak(name).ok_or_else(|| DialectError::Unknown(name.to_owned()))?;
            if spoken.contains(&axis) {
                return Err(DialectError::Contradiction(name.to_owned()));
            }
            spoken.push(axis);
        }
        Ok(dialects)
    }
}

impl fmt::Display for Dialects {
    /// The names that differ from the default: what [`Dialects::parse`] needs to make the same again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usual = Self::default().names();
        let unusual: Vec<_> = self.names().into_iter().filter(|name| !usual.contains(name)).collect();
        f.write_str(&unusual.join(","))
    }
}

dialects! {
    // Signing in: the fact sheet, section 2.

    /// What becomes of a token request for scopes that the client was not granted.
    missing_scope: MissingScope {
        InvalidScope "missing-scope-at-token" "The token endpoint refuses the whole request with `invalid_scope`.",
        Unauthorized "missing-scope-401" "The token is granted anyway, and the endpoint that needs the scope answers 401.",
        Forbidden "missing-scope-403" "The token is granted anyway, and the endpoint that needs the scope answers 403.",
    }
    /// The member `scope` of a token answer.
    token_scope: TokenScope {
        Echoed "token-scope-echoed" "The token answer repeats the scopes that were asked for.",
        Absent "token-scope-absent" "The token answer does not name scopes.",
        Reduced "token-scope-reduced" "The token answer names only those scopes that the client really has.",
    }
    /// The members `token_type` and `expires_in` of a token answer.
    token_members: TokenMembers {
        All "token-members-all" "The token answer has `token_type`, and `expires_in` as a number.",
        StringExpiry "token-expiry-string" "The token answer has `expires_in` as a string.",
        Minimal "token-members-minimal" "The token answer has the token, and neither `token_type` nor `expires_in`.",
    }
    /// The body of an error of the token endpoint.
    oauth_error: OauthError {
        Rfc6749 "oauth-error-rfc6749" "Errors of the token endpoint are objects with `error` and `error_description`.",
        Envelope "oauth-error-envelope" "Errors of the token endpoint come in the envelope of the other endpoints.",
        Empty "oauth-error-empty" "Errors of the token endpoint have no body.",
    }
    /// The status of an error of the token endpoint.
    oauth_status: OauthStatus {
        Rfc6749 "oauth-status-rfc6749" "The token endpoint answers 401 to a bad client, and 400 to a bad request or scope.",
        Always400 "oauth-status-400" "The token endpoint answers every error with 400.",
        Always401 "oauth-status-401" "The token endpoint answers every error with 401.",
    }
    /// How often tokens may be made.
    token_limit: TokenLimit {
        None "token-limit-none" "The token endpoint has only the limit of the whole brand.",
        Ten "token-limit-10" "The token endpoint takes ten calls a minute.",
    }
    /// The code under which an expired token is refused.
    expired_token: ExpiredToken {
        Dcd7 "expired-token-dcd-7" "An expired token is answered 401 with `DCD_7`, like an unknown one.",
        Auth6 "expired-token-auth-6" "An expired token is answered 401 with `AUTH_6.0`.",
    }
    /// What a brand of another data centre is told (section 1); see `Options::wrong_datacenter`.
    wrong_datacenter: WrongDatacenter {
        Token "wrong-datacenter-at-token" "The token endpoint of the wrong data centre answers 401 `invalid_client`.",
        Api "wrong-datacenter-at-api" "The token endpoint of the wrong data centre works; all else answers 401 `DCD_7`.",
    }

    // Who may do what: sections 2 and 3.2.

    /// What someone who is not a brand administrator is told where that role is needed.
    not_administrator: NotAdministrator {
        Forbidden "not-administrator-403" "Who is not a brand administrator is answered 403 with `AuthZ_2.0`.",
        Unauthorized "not-administrator-401" "Who is not a brand administrator is answered 401.",
    }
    /// Which role customer data requests need.
    export_role: ExportRole {
        Administrator "export-needs-administrator" "Customer data requests need a brand administrator.",
        Any "export-needs-no-role" "Customer data requests need the scope alone.",
    }
    /// Which scope `/whoami` needs.
    whoami_scope: WhoamiScope {
        None "whoami-needs-no-scope" "Any token may ask who it is.",
        ReadUsers "whoami-needs-read-users" "Asking who one is needs `read:users`.",
    }
    /// Which scope the list of directories needs.
    directories_scope: DirectoriesScope {
        ReadDirectories "directories-need-scope" "Listing directories needs `read:directories`.",
        None "directories-need-no-scope" "Any token may list directories.",
    }
    /// The data centre that `/whoami` names.
    whoami_datacenter: WhoamiDatacenter {
        Canonical "whoami-datacenter-canonical" "`/whoami` names the data centre as its host name does.",
        Alias "whoami-datacenter-alias" "`/whoami` names the data centre by an old alias.",
    }
    /// The type of a brand administrator's account.
    administrator_type: AdministratorType {
        BrandAdmin "administrator-type-usual" "Brand administrators have the account type `UT_BRANDADMIN`.",
        Custom "administrator-type-custom" "Brand administrators have an account type of the brand's own.",
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
        Number "http-status-number" "`meta.httpStatus` is a string of the number alone.",
    }
    /// Whether the data centre claims to have passed the call on (section 1).
    notice: Notice {
        Absent "notice-absent" "`meta` has no notice.",
        Proxied "notice-proxied" "`meta.notice` says that the call was passed on to another host.",
    }
    /// The shape of an error.
    error_envelope: ErrorEnvelope {
        Modern "error-envelope-modern" "An error is `meta.error` with `errorCode` and `errorMessage`.",
        Old "error-envelope-old" "An error is `meta` with `internalErrorCode`, and a null `result`.",
        Instance "error-envelope-instance" "An error is `meta.error` with `errorCode` and `instanceId`, without a message.",
    }
    /// How an id that does not exist is answered.
    not_found: NotFound {
        Status404 "not-found-404" "An unknown id is answered 404.",
        Status400 "not-found-400" "An unknown id is answered 400, like a malformed one.",
    }
    /// How a caller that exceeds a limit is told when to come back.
    retry_after: RetryAfter {
        Seconds "retry-after-seconds" "A 429 has `Retry-After` in seconds.",
        Date "retry-after-date" "A 429 has `Retry-After` as a date.",
        Absent "retry-after-absent" "A 429 does not say when to come back.",
        Body "retry-after-body" "A 429 has the seconds as `meta.error.retryAfter`, and no header.",
    }
    /// How many calls may be under way at once.
    concurrency: Concurrency {
        Unlimited "concurrency-unlimited" "Any number of calls may be under way at once.",
        Four "concurrency-four" "A fifth call while four are under way is answered 429.",
    }
    /// How most instants are written.
    dates: Dates {
        Seconds "dates-seconds" "Dates are ISO 8601 with whole seconds and Z.",
        Fraction "dates-fraction" "Dates are ISO 8601 with milliseconds and Z.",
        EpochMillis "dates-epoch-ms" "Dates are numbers of milliseconds since 1970.",
        EpochMillisText "dates-epoch-ms-text" "Dates are milliseconds since 1970, as text.",
    }
    /// Members that no document names.
    extra_members: ExtraMembers {
        None "extra-members-none" "Answers have the members that are known.",
        Some "extra-members-some" "Answers, their results and the elements of lists have members that nobody knows.",
    }
    /// The content type of JSON.
    content_type: ContentType {
        Charset "content-type-charset" "JSON comes as `application/json;charset=utf-8`.",
        Plain "content-type-plain" "JSON comes as `application/json`.",
    }

    // Lists.

    /// How a list of users, directories, contacts or erasures points to its next page.
    next_page: NextPage {
        Url "next-page-url" "`result.nextPage` is a URL of the same origin.",
        OtherHost "next-page-other-host" "`result.nextPage` is a URL of another data centre, with `proxyDepth` and `proxyInfo`.",
        Token "next-page-token" "`result.nextPage` is the bare cursor.",
        Links "next-page-links" "The URL of the next page is `result.links.next.href`, and there is no `nextPage`.",
    }
    /// What the last page of such a list has in place of the pointer.
    last_page: LastPage {
        Null "last-page-null" "`nextPage` of the last page is null.",
        Absent "last-page-absent" "The last page has no `nextPage`.",
    }
    /// The cursor of the erasure list.
    erasure_cursor: ErasureCursor {
        Offset "erasure-cursor-offset" "The cursor of the erasure list is a number, the query's `offset`.",
        SkipToken "erasure-cursor-skip-token" "The cursor of the erasure list is opaque, the query's `skipToken`.",
    }
    /// What becomes of a `pageSize` above 100.
    page_size: PageSize {
        Refused "page-size-refused" "A `pageSize` above 100 is answered 400.",
        Clamped "page-size-clamped" "A `pageSize` above 100 counts as 100.",
    }

    // Users: section 5.

    /// The user name of an account.
    user_name: UserName {
        Plain "user-name-plain" "User names are e-mail addresses.",
        Brand "user-name-brand" "User names are e-mail addresses followed by `#` and the brand.",
    }
    /// The address of an account.
    user_email: UserEmail {
        Present "user-email-present" "Users have an `email`.",
        Null "user-email-null" "`email` is null where the user name is the same address.",
    }

    // Erasure: section 6.

    /// What `searchOnly` means when a request does not say.
    search_only_default: SearchOnlyDefault {
        Erase "search-only-omitted-erases" "A request that leaves `searchOnly` out erases.",
        Search "search-only-omitted-searches" "A request that leaves `searchOnly` out only searches.",
    }
    /// How many addresses one request may have.
    address_limit: AddressLimit {
        None "address-limit-none" "An erasure request may have any number of addresses.",
        FiveHundred "address-limit-500" "An erasure request of more than 500 addresses is answered 400.",
    }
    /// Which addresses of a request are worked on.
    addresses_done: AddressesDone {
        All "addresses-done-all" "Every address of an erasure request is worked on.",
        First "addresses-done-first" "Only the first address of an erasure request is worked on.",
    }
    /// How addresses are compared by an erasure.
    address_case: AddressCase {
        Ignored "address-case-ignored" "An erasure compares addresses without regard to case.",
        Exact "address-case-exact" "An erasure finds addresses only as they are written.",
    }
    /// How addresses are kept by an erasure.
    email_list_case: EmailListCase {
        AsSent "email-list-as-sent" "`emailList` has the addresses as they were sent.",
        Lower "email-list-lower-case" "`emailList` has the addresses in lower case.",
    }
    /// Which addresses a job of the list shows.
    email_list: EmailList {
        Whole "email-list-whole" "`emailList` has every address.",
        First "email-list-first" "`emailList` has the first address alone.",
        Masked "email-list-masked" "`emailList` has masked addresses, like `a***@example.org`.",
        Hashed "email-list-hashed" "`emailList` has SHA-256 hashes of the addresses.",
    }
    /// The answer to a look-up by id before the job is complete.
    early_erasure: EarlyErasure {
        Status404 "early-erasure-404" "Until an erasure is complete, looking it up by id is answered 404.",
        Status400 "early-erasure-400" "Until an erasure is complete, looking it up by id is answered 400.",
        Status409 "early-erasure-409" "Until an erasure is complete, looking it up by id is answered 409.",
        Status500 "early-erasure-500" "Until an erasure is complete, looking it up by id is answered 500.",
        Status200 "early-erasure-200" "An erasure can be looked up by id from the start.",
    }
    /// The word for an erasure that is complete.
    erasure_done: ErasureDone {
        Completed "erasure-done-completed" "A complete erasure is `Completed`.",
        CompletedLower "erasure-done-completed-lower" "A complete erasure is `completed`.",
        CompleteUpper "erasure-done-complete-upper" "A complete erasure is `COMPLETE`.",
        Done "erasure-done-done" "A complete erasure is `Done`.",
        Success "erasure-done-success" "A complete erasure is `Success`.",
        Succeeded "erasure-done-succeeded" "A complete erasure is `Succeeded`.",
        Finished "erasure-done-finished" "A complete erasure is `Finished`.",
    }
    /// The word for an erasure at work.
    erasure_pending: ErasurePending {
        Pending "erasure-pending-pending" "An erasure at work is `Pending`.",
        Queued "erasure-pending-queued" "An erasure at work is `Queued`.",
        InProgress "erasure-pending-in-progress" "An erasure at work is `In Progress`.",
        InProgressCamel "erasure-pending-in-progress-camel" "An erasure at work is `inProgress`.",
        Running "erasure-pending-running" "An erasure at work is `Running`.",
        Null "erasure-pending-null" "The status of an erasure at work is null.",
    }
    /// The word for an erasure that failed.
    erasure_failed: ErasureFailed {
        Failed "erasure-failed-failed" "A failed erasure is `Failed`.",
        Failure "erasure-failed-failure" "A failed erasure is `FAILURE`.",
        Error "erasure-failed-error" "A failed erasure is `error`.",
        Cancelled "erasure-failed-cancelled" "A failed erasure is `Cancelled`.",
        Rejected "erasure-failed-rejected" "A failed erasure is `Rejected`.",
        Reason "erasure-failed-reason-only" "A failed erasure is `Ended`, and only `failureReason` tells that it failed.",
    }
    /// The order of the erasure list.
    erasure_order: ErasureOrder {
        NewestFirst "erasure-list-newest-first" "The erasure list begins with the newest.",
        OldestFirst "erasure-list-oldest-first" "The erasure list begins with the oldest.",
    }
    /// What the list says of an erasure at work.
    erasure_at_work: ErasureAtWork {
        Whole "erasure-at-work-whole" "The list has every member of an erasure at work.",
        NoAddresses "erasure-at-work-no-addresses" "The list has no `emailList` for an erasure at work.",
        Sparse "erasure-at-work-sparse" "The list has only id, status and `created` of an erasure at work.",
    }
    /// Whether a complete erasure tells when it was begun and ended.
    erasure_times: ErasureTimes {
        Told "erasure-times-told" "A complete erasure has `created` and `updated`.",
        Hidden "erasure-times-hidden" "A complete erasure has neither `created` nor `updated`.",
    }
    /// When a new erasure appears in the list.
    erasure_lag: ErasureLag {
        None "erasure-lag-none" "A new erasure is in the list at once.",
        Seconds20 "erasure-lag-20-s" "A new erasure appears in the list 20 seconds after it was taken.",
    }
    /// How long the list remembers.
    erasure_retention: ErasureRetention {
        Ever "erasure-retention-ever" "The erasure list forgets nothing.",
        Days30 "erasure-retention-30-days" "The erasure list forgets what ended 30 days ago; the id still finds it.",
    }
    /// The id of an erasure in list and look-up.
    erasure_id: ErasureId {
        Lower "erasure-id-requestid" "List and look-up call the id `requestid`.",
        Camel "erasure-id-request-id" "List and look-up call the id `requestId`.",
        Id "erasure-id-id" "List and look-up call the id `id`.",
    }
    /// The member `emailsNotFound`.
    emails_not_found: EmailsNotFound {
        Array "emails-not-found-array" "`emailsNotFound` is an array of addresses.",
        Number "emails-not-found-number" "`emailsNotFound` is a number.",
        String "emails-not-found-string" "`emailsNotFound` is a string of addresses with commas between, empty for none.",
        Null "emails-not-found-null" "`emailsNotFound` is null.",
    }
    /// The member `searchOnly`.
    search_only: SearchOnly {
        Bool "search-only-bool" "`searchOnly` comes back as a boolean.",
        String "search-only-string" "`searchOnly` comes back as a string.",
    }
    /// What an erasure counted.
    erasure_counters: ErasureCounters {
        Absent "erasure-counters-absent" "An erasure does not say how much it found.",
        Members "erasure-counters-members" "A complete erasure has `responses`, `contacts`, `users` and others as numbers.",
        Nested "erasure-counters-nested" "A complete erasure has these numbers in an object `summary`.",
    }

    // Customer data requests: section 7, of which nothing is confirmed.

    /// The body that begins a customer data request.
    export_body: ExportBody {
        Emails "export-body-emails" "A customer data request takes `emails`, an array.",
        Email "export-body-email" "A customer data request takes `email`, one string, and answers 400 to anything else.",
    }
    /// The id of a new customer data request.
    export_id: ExportId {
        CustomerDataRequestId "export-id-customer-data-request-id" "The id of a new request is `customerDataRequestId`.",
        RequestId "export-id-request-id" "The id of a new request is `requestId`.",
        RequestIdLower "export-id-requestid" "The id of a new request is `requestid`.",
        Id "export-id-id" "The id of a new request is `id`.",
        JobId "export-id-job-id" "The id of a new request is `jobId`.",
        ProgressId "export-id-progress-id" "The id of a new request is `progressId`.",
    }
    /// When a new customer data request can be looked up.
    export_lag: ExportLag {
        None "export-lag-none" "A new request can be looked up at once.",
        FirstLookUp "export-lag-first-look-up" "The first look-up of a new request is answered 404.",
    }
    /// The words for a request at work, complete, and failed.
    export_words: ExportWords {
        Camel "export-words-camel" "A request is `inProgress`, `complete` or `failed`.",
        Upper "export-words-upper" "A request is `IN_PROGRESS`, `COMPLETE` or `FAILED`.",
        Snake "export-words-snake" "A request is `in_progress`, `completed` or `error`.",
        Title "export-words-title" "A request is `Queued`, `Done` or `Failure`.",
        Succeeded "export-words-succeeded" "A request is `Running`, `Succeeded` or `Cancelled`.",
        Finished "export-words-finished" "A request is `Processing`, `finished` or `Expired`.",
        Unheard "export-words-unheard" "A request is `Simmering`, a word of no other job, `complete` or `failed`.",
    }
    /// The member `percentComplete`.
    export_percent: ExportPercent {
        Number "export-percent-number" "`percentComplete` is a number from 0 to 100.",
        Fraction "export-percent-fraction" "`percentComplete` is a number with a fraction.",
        String "export-percent-string" "`percentComplete` is a string.",
        Absent "export-percent-absent" "There is no `percentComplete`.",
    }
    /// How a complete request names its files.
    file_ids: FileIds {
        FileId "file-ids-file-id" "`fileId` names the file; where there are several, `fileIds` names all of them.",
        FileIds "file-ids-file-ids" "`fileIds` is an array of strings.",
        Strings "file-ids-files" "`files` is an array of strings.",
        ObjectsId "file-ids-files-id" "`files` is an array of objects with `id`.",
        ObjectsFileId "file-ids-files-file-id" "`files` is an array of objects with `fileId`.",
        ObjectsName "file-ids-files-name" "`files` is an array of objects with `name`, which names the file in the path.",
    }
    /// How many files a complete request has.
    file_count: FileCount {
        One "file-count-one" "All data is in one file.",
        Several "file-count-several" "The data is spread over three files.",
    }
    /// What a request has that found nothing.
    no_data: NoData {
        NoFiles "no-data-no-files" "A request that found nothing is complete without a file.",
        EmptyFile "no-data-empty-file" "A request that found nothing has a file without records: `[]` where it is JSON.",
    }
    /// The format of a file.
    file_format: FileFormat {
        Json "file-format-json" "Files are JSON.",
        NdJson "file-format-ndjson" "Files are JSON, one object a line.",
        Csv "file-format-csv" "Files are CSV.",
        Zip "file-format-zip" "Files are ZIP archives of one JSON file.",
        Gzip "file-format-gzip" "Files are gzipped JSON.",
        OctetStream "file-format-octet-stream" "Files are JSON, but are said to be `application/octet-stream`.",
    }
    /// How the end of a file is marked.
    file_transfer: FileTransfer {
        Length "file-transfer-length" "Files come with `Content-Length`.",
        Chunked "file-transfer-chunked" "Files come in chunks, without a length.",
    }
    /// Whether a part of a file can be asked for.
    file_ranges: FileRanges {
        Ignored "file-ranges-ignored" "`Range` is ignored: the whole file comes with 200.",
        Honoured "file-ranges" "`Range` is honoured with 206 and `Content-Range`.",
    }
    /// What the file endpoint wants to be asked for.
    file_accept: FileAccept {
        Anything "file-accept-anything" "The file endpoint does not look at `Accept`.",
        OctetStream "file-accept-octet-stream" "The file endpoint answers 406 unless `Accept` allows `application/octet-stream`.",
    }
    /// How a file is announced.
    file_name: FileName {
        None "file-name-none" "Files come without `Content-Disposition`.",
        Address "file-name-address" "`Content-Disposition` has a file name made of the person's address.",
    }
    /// How long files can be fetched.
    file_expiry: FileExpiry {
        Never "file-expiry-never" "Files do not expire.",
        Hour "file-expiry-hour" "Files are gone an hour after their request was complete.",
    }

    // Directories: section 8.

    /// Whether the brand has XM Directory.
    xm_directory: XmDirectory {
        Licensed "xm-directory-licensed" "The brand has XM Directory.",
        EmptyList "xm-directory-empty-list" "The brand has no XM Directory: its list of directories is empty.",
        Status404 "xm-directory-404" "The brand has no XM Directory: its list of directories is answered 404.",
        Status403 "xm-directory-403" "The brand has no XM Directory: its list of directories is answered 403.",
    }
    /// What a search in an XMD Lite directory is told.
    lite_directory: LiteDirectory {
        Status400 "lite-directory-400" "A search in an XMD Lite directory is answered 400.",
        Status403 "lite-directory-403" "A search in an XMD Lite directory is answered 403.",
        Status404 "lite-directory-404" "A search in an XMD Lite directory is answered 404.",
    }
    /// Members of a contact that have no value.
    contact_nulls: ContactNulls {
        Present "contact-nulls-present" "What a contact does not have is null.",
        Absent "contact-nulls-absent" "What a contact does not have is left out.",
    }
    /// The dates of a single contact.
    contact_dates: ContactDates {
        EpochMillis "contact-dates-epoch-ms" "The dates of a single contact are milliseconds since 1970.",
        Iso "contact-dates-iso" "The dates of a single contact are ISO 8601.",
    }
}
