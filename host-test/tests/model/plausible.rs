//! Responses as Qualtrics sends them.

use qualtrics_connector::http::{Method, Request};
use serde_json::{Value, json};

use crate::invariants::{MARK, PRIVATE_DOMAIN};

/// The addresses of the data subjects of all scenarios.
pub fn address(name: &str) -> String {
    format!("{name}@{PRIVATE_DOMAIN}")
}

/// A response that this endpoint could send. `choice` picks one.
pub fn response(request: &Request, choice: u8, now_s: u64) -> Vec<u8> {
    let path = request.path.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.trim_start_matches("/API/v3").split('/').skip(1).collect();
    let is_post = request.method == Method::Post;
    let result = match (parts.as_slice(), is_post) {
        (["oauth2", "token"], _) => {
            return json!({"access_token": "token", "expires_in": 3_599}).to_string().into_bytes();
        }
        (["op-erase-personal-data"], true) => json!({"requestId": format!("OP-{}", choice % 4)}),
        (["op-erase-personal-data"], false) => {
            let next = format!("https://x.example/y?offset={}", u64::from(choice) * 100);
            let next = choice.is_multiple_of(3).then_some(next);
            let jobs: Vec<Value> = (0..3).map(|number| job(&format!("OP-{number}"), choice, now_s)).collect();
            json!({"elements": jobs, "nextPage": next})
        }
        (["op-erase-personal-data", id], _) => job(id, choice, now_s),
        (["customer-data-requests"], _) => json!({"requestId": format!("CDR-{}", choice % 4)}),
        (["customer-data-requests", _], _) => {
            json!({"status": status(choice), "percentComplete": choice, "files": [{"fileId": "F 1"}, "F/2"]})
        }
        (["whoami"], _) => {
            json!({"userId": "UR_1", "userName": format!("{MARK}@example.org#brand"), "brandId": "brand"})
        }
        (["users"], _) => {
            let email = if choice.is_multiple_of(16) { address("a") } else { "x@example.org".to_owned() };
            json!({"elements": [{"email": email}]})
        }
        (["directories"], _) => json!({"elements": [{"directoryId": "POOL_1"}, {"directoryId": "POOL_2"}]}),
        (["directories", _, "contacts", "search"], _) => contacts(request, choice),
        (["directories", _, "contacts", id], _) => {
            let is_opted_out = choice.is_multiple_of(2);
            json!({
                "contactId": id, "email": address("a"), "lastModified": ms_before(now_s, 1), "directoryUnsubscribed": is_opted_out,
            })
        }
        // A file.
        _ => return format!("[{{\"n\": {choice}}}]").into_bytes(),
    };
    json!({"result": result, "meta": {"httpStatus": "200 - OK"}}).to_string().into_bytes()
}

fn status(choice: u8) -> &'static str {
    ["Completed", "inProgress", "Failed", "completed", "brewing"][usize::from(choice) % 5]
}

fn ms_before(now_s: u64, seconds: u64) -> u64 {
    now_s.saturating_sub(seconds) * 1_000
}

fn job(id: &str, choice: u8, now_s: u64) -> Value {
    let not_found =
        [json!([]), json!([address("a")]), json!(0), json!(1), json!(null)][usize::from(choice) % 5].clone();
    let emails = [json!([address("a")]), json!([address("a"), address("b")]), json!(null), json!(["a***@x.org"])]
        [usize::from(choice) % 4]
        .clone();
    let requested = emails.as_array().map(Vec::len);
    json!({
        "requestId": id,
        "status": status(choice),
        "emailList": emails,
        "numEmailsRequested": requested,
        "searchOnly": choice.is_multiple_of(2),
        "emailsNotFound": not_found,
        "user": if choice.is_multiple_of(7) { "UR_2" } else { "UR_1" },
        "created": ms_before(now_s, u64::from(choice)),
        "updated": ms_before(now_s, u64::from(choice) / 2),
    })
}

/// The contacts of a search. Some choices return a contact without the identifier that was searched for.
fn contacts(request: &Request, choice: u8) -> Value {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let searched = body["filter"]["value"].as_str().unwrap_or_default();
    let phones = ["+15550100", "(555) 0199", "+1 555 0100", ""];
    let ids = ["", "E-1", "e-1", " E-2 ", "E\u{200B}3"];
    let mut contact = json!({
        "id": format!("CID_{}", choice % 3),
        "email": address(["a", "B", "c"][usize::from(choice) % 3]),
        "phoneNumber": phones[usize::from(choice) % 4],
        "externalDataReference": ids[usize::from(choice) % 5],
        "firstName": MARK,
    });
    if choice % 4 != 3 {
        let member = match body["filter"]["filterType"].as_str() {
            Some("phone") => "phoneNumber",
            Some("extRef") => "externalDataReference",
            _ => "email",
        };
        contact[member] = json!(searched.to_uppercase());
    }
    json!({"elements": if choice.is_multiple_of(2) { vec![contact] } else { Vec::new() }})
}
