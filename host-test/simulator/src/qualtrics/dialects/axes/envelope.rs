//! The envelope, errors and limits.

use super::super::define::define_axes;

define_axes! {
    // Envelope, errors and limits: section 3.

    /// The member `meta.requestId`.
    RequestId {
        Uuid "request-id-uuid" "`meta.requestId` is a UUID.",
        Null "request-id-null" "`meta.requestId` is null.",
        Empty "request-id-empty" "`meta.requestId` is an empty string.",
        Missing "request-id-missing" "`meta` has no `requestId`.",
    }
    /// The member `meta.httpStatus`.
    HttpStatus {
        Text "http-status-text" "`meta.httpStatus` is like `200 - OK`.",
        Number "http-status-number" "`meta.httpStatus` is a string with only the number.",
    }
    /// The member `meta.notice` (section 1).
    Notice {
        Absent "notice-absent" "`meta` has no notice.",
        Proxied "notice-proxied" "`meta.notice` says that the request was proxied to another host.",
        General "notice-general" "`meta.notice` says that a client certificate expires soon.",
    }
    /// The envelope of an error.
    ErrorEnvelope {
        Modern "error-envelope-modern" "An error is `meta.error` with `errorCode` and `errorMessage`.",
        Old "error-envelope-old" "An error is `meta` with `internalErrorCode`, and a null `result`.",
        Instance "error-envelope-instance" "An error is `meta.error` with `errorCode` and `instanceId`, without a message.",
    }
    /// The status for an unknown ID.
    NotFound {
        Status404 "not-found-404" "An unknown ID causes 404.",
        Status400 "not-found-400" "An unknown ID causes 400, like a malformed ID.",
    }
    /// The retry hint of a 429.
    RetryAfter {
        Seconds "retry-after-seconds" "A 429 has `Retry-After` in seconds.",
        Date "retry-after-date" "A 429 has `Retry-After` as a date.",
        Fraction "retry-after-fraction" "A 429 has `Retry-After` in seconds with a fraction.",
        Absent "retry-after-absent" "A 429 has no retry hint.",
        Body "retry-after-body" "A 429 has the seconds in `meta.error.retryAfter`, and no header.",
    }
    /// How many requests may be in progress at once.
    Concurrency {
        Unlimited "concurrency-unlimited" "Any number of requests may be in progress at once.",
        Four "concurrency-four" "A fifth request while four are in progress causes 429.",
    }
    /// The format of most timestamps.
    Dates {
        Seconds "dates-seconds" "Timestamps are ISO 8601 with whole seconds and `Z`.",
        Fraction "dates-fraction" "Timestamps are ISO 8601 with milliseconds and `Z`.",
        EpochMillis "dates-epoch-ms" "Timestamps are milliseconds since 1970, as numbers.",
        EpochMillisText "dates-epoch-ms-text" "Timestamps are milliseconds since 1970, as strings.",
        EpochSeconds "dates-epoch-s" "Timestamps are seconds since 1970, as numbers.",
        NoZone "dates-no-zone" "Timestamps are ISO 8601 with whole seconds, without a time zone.",
    }
    /// Undocumented members of responses.
    ExtraMembers {
        None "extra-members-none" "Responses have only documented members.",
        Some "extra-members-some" "Responses, their results and the elements of lists have undocumented members.",
    }
    /// The content type of JSON.
    ContentType {
        Charset "content-type-charset" "JSON has the content type `application/json;charset=utf-8`.",
        Plain "content-type-plain" "JSON has the content type `application/json`.",
    }
}
