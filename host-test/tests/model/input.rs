//! Input for the parsers: headers, bodies, identifiers, tickets.

use proptest::prelude::*;
use qualtrics_connector::qualtrics::ticket::{Operation, Ticket, Verification};
use serde_json::{Value, json};

use super::json::{any_json, member_names, text};

/// Headers as servers send them, and malformed ones.
pub fn heads() -> impl Strategy<Value = (u16, Vec<(String, String)>)> {
    let names = vec!["retry-after", "date", "content-type", "content-length", "content-range", "etag"];
    let name = prop::sample::select(names).prop_map(str::to_owned);
    let status = prop_oneof![
        2 => Just(200_u16),
        2 => prop::sample::select(vec![400_u16, 401, 403, 404, 408, 409, 413, 415, 422, 425, 429, 500, 503]),
        1 => any::<u16>()
    ];
    (status, prop::collection::vec((name, delays()), 0..4))
}

/// Values of `Retry-After` and `Date`.
pub fn delays() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-9]{0,25}",
        "[0-9]{0,3}\\.[0-9]{0,3}",
        "(Mon|Sun), [0-9]{2} (Jan|Feb|Nov|Foo) [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT",
        text()
    ]
}

/// Contents of tickets and references, valid and almost valid.
pub fn ticket_contents() -> impl Strategy<Value = Vec<u8>> {
    let number = || prop_oneof![any::<u64>().prop_map(Value::from), any::<u8>().prop_map(Value::from), any_json()];
    let members =
        prop::collection::btree_map("[acdefgijkmopstvx]", prop_oneof![number(), text().prop_map(Value::from)], 0..8);
    (members, prop::sample::select(vec!["a", "p", "e", "v"]), any::<u32>(), any::<bool>()).prop_map(
        |(members, operation, check, is_ticket)| {
            let mut content = if is_ticket {
                json!({"o": operation, "c": check, "j": ["OP-1"], "s": 1, "m": 0, "t": 0})
            } else {
                json!({"k": if check % 2 == 0 { "f" } else { "c" }, "j": "CDR-1", "f": "F-1", "d": "POOL_1", "c": "CID_1"})
            };
            for (name, value) in members {
                content[name] = value;
            }
            content.to_string().into_bytes()
        },
    )
}

/// Bodies: JSON with members that Qualtrics uses, errors in its envelope, truncated JSON, unpaired surrogates, and arbitrary bytes.
pub fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let whole = any_json().prop_map(|json| json.to_string().into_bytes());
    let error = (any_json(), member_names(), any_json()).prop_map(|(error, name, value)| {
        let mut meta = json!({ "error": error });
        meta[name] = value;
        json!({ "meta": meta }).to_string().into_bytes()
    });
    let truncated = (any_json(), any::<prop::sample::Index>()).prop_map(|(json, end)| {
        let mut bytes = json.to_string().into_bytes();
        bytes.truncate(end.index(bytes.len()));
        bytes
    });
    let surrogates =
        "(\u{feff})?\\{\"a\":\"(x|\\\\\\\\|\\\\ud83d|\\\\uDE00|\\\\u0041|\\\\n){0,5}\"\\}".prop_map(String::into_bytes);
    prop_oneof![
        3 => whole,
        1 => error,
        1 => truncated,
        1 => surrogates,
        1 => prop::collection::vec(any::<u8>(), 0..200)
    ]
}

/// Identifiers as people enter them.
pub fn identifiers() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ ]{0,2}[a-zA-ZßÄİǅΣ\u{200b}.+'_-]{1,12}@[a-zA-Zé\u{130}0-9_-]{1,12}(\\.[a-zA-Z]{1,6}){0,2}[ \t]?",
        "\\+?[0-9 ()-]{1,18}",
        "(\\+|00|011)?[1-9][0-9 ./()-]{5,16}( ?(x|ext\\.|;ext=|#)[0-9]{1,4})?",
        "(mailto:|'|\"|<|“|\u{FF20})?[a-zA-Z.é]{1,8}@(münchen|xn--mnchen-3ya|[a-z]{1,5}|mu\u{308}n)\\.[a-z]{2,4}('|>|”|,|;|\\.)?",
        "[A-Za-z0-9\u{feff}\u{e000} _-]{0,20}",
        ("[aİ]", 290..330_usize).prop_map(|(character, count)| format!("{}@x.org", character.repeat(count))),
        text(),
    ]
}

/// Tickets with the check value of a request. All other fields are arbitrary.
pub fn forged_tickets() -> impl Strategy<Value = Ticket> {
    let operations = vec![Operation::Access, Operation::Preview, Operation::Erase, Operation::EraseAndVerify];
    let job = || prop_oneof![Just("OP-1".to_owned()), "[ -~]{1,30}", Just("../../x?y#z".to_owned())];
    let position = || prop::option::of(prop_oneof!["offset=[0-9]{1,4}".prop_map(|text| text), text()]);
    let verification =
        (any::<(u32, u32, bool)>(), prop::option::of(job())).prop_map(|((deleted, after, vanished), search)| {
            Verification {
                deleted_at: u64::from(deleted),
                search_after: u64::from(after),
                search,
                job_vanished: vanished,
                sent: (after % 3 == 0).then_some(u64::from(deleted)),
                shared: None,
                alone: after % 2 == 1,
            }
        });
    let numbers = (any::<u64>(), 0..5_u8, 0..5_u8, any::<bool>());
    (
        prop::sample::select(operations),
        prop::collection::vec(job(), 0..3),
        numbers,
        position(),
        prop::option::of(verification),
    )
        .prop_map(|(operation, jobs, (submitted_at, misses, attempts, collecting), position, verification)| {
            Ticket {
                misses,
                attempts,
                collecting,
                position,
                verification,
                ..Ticket::new(operation, 0, jobs, submitted_at)
            }
        })
}
