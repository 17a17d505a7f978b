//! JSON with the members that Qualtrics uses.

use proptest::prelude::*;
use serde_json::Value;

/// Every member that a parser looks for, and a few others.
const MEMBERS: [&str; 64] = [
    "result",
    "meta",
    "error",
    "errorCode",
    "internalErrorCode",
    "httpStatus",
    "requestId",
    "notice",
    "retryAfter",
    "elements",
    "nextPage",
    "links",
    "next",
    "href",
    "skipToken",
    "requestid",
    "id",
    "status",
    "state",
    "requestStatus",
    "failureReason",
    "errorMessage",
    "emailList",
    "emails",
    "emailsNotFound",
    "numEmailsRequested",
    "searchOnly",
    "created",
    "updated",
    "createdAt",
    "lastModified",
    "customerDataRequestId",
    "jobId",
    "progressId",
    "percentComplete",
    "percent",
    "progress",
    "fileId",
    "fileIds",
    "files",
    "file",
    "name",
    "directoryId",
    "poolId",
    "contactId",
    "email",
    "phone",
    "phoneNumber",
    "extRef",
    "externalDataReference",
    "unsubscribed",
    "directoryUnsubscribed",
    "unsubscribeDate",
    "directoryUnsubscribeDate",
    "creationDate",
    "embeddedData",
    "access_token",
    "expires_in",
    "scope",
    "userName",
    "username",
    "accountType",
    "brandId",
    "firstName",
];

/// Text: values that a parser recognises, URLs, timestamps, numbers, and arbitrary text.
pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "",
            " ",
            "null",
            "Completed",
            "inProgress",
            "FAILED",
            "ada@example.org",
            "OP-1",
            "op-1",
            "0",
            "100",
            "50%",
            "true",
            "200 - OK",
            "404 - Not Found",
            "429",
            "t1.A.A",
            "t1..",
            "r1.e30.",
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:00:00.123456+02:00",
            "9999-12-31T23:59:60Z",
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "read:users",
            "https://x.example/API/v3/y?offset=100",
            "?",
            "a?b=c#d",
            "../..",
            "ß\u{130}",
            "\u{feff}",
            "\r\nx: y",
        ])
        .prop_map(str::to_owned),
        "[ -~]{0,40}",
        any::<String>(),
        (any::<char>(), 0..3_000_usize).prop_map(|(character, count)| character.to_string().repeat(count)),
    ]
}

/// Names of members.
pub fn member_names() -> impl Strategy<Value = String> {
    prop_oneof![9 => prop::sample::select(MEMBERS.to_vec()).prop_map(str::to_owned), 1 => text()]
}

/// Arbitrary JSON, with members that a parser looks for.
pub fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (0..2_000_u64).prop_map(Value::from),
        // Eighths are exact in binary, so their decimal form is unique.
        (-1_000_000..1_000_000_i32).prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 10, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map(member_names(), inner, 0..10).prop_map(|members| members.into_iter().collect()),
        ]
    })
}
