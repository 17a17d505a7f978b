//! Customer data requests and their files.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{ApiClient, gunzip, sample_simulator, simulator_with_dialects};
use super::*;

/// Submits a customer data request, completes it, and downloads its files.
pub(super) async fn download_export(simulator: &Simulator, emails: &[&str]) -> Vec<Vec<u8>> {
    let client = ApiClient::administrator(simulator).await;
    client.post("/customer-data-requests", json!({ "emails": emails })).await.result();
    simulator.advance(Duration::from_secs(180));
    let export = simulator.exports().pop().unwrap();
    let mut files = Vec::new();
    for file in &export.files {
        let response =
            client.get(&format!("/customer-data-requests/{}/files/{}", export.id, file.replace(' ', "%20"))).await;
        assert_eq!((response.status, response.complete), (200, true));
        files.push(response.body);
    }
    files
}

#[tokio::test]
async fn completed_customer_data_request_has_a_file_with_the_responses_of_its_addresses() {
    let simulator = sample_simulator().await;
    let client = ApiClient::administrator(&simulator).await;
    let body = json!({ "emails": [SAMPLE_PERSON, SAMPLE_TWO_ADDRESSES[0]] });
    let id = client.post("/customer-data-requests", body).await.result()["customerDataRequestId"].clone();
    let path = format!("/customer-data-requests/{}", id.as_str().unwrap());
    simulator.advance(Duration::from_secs(90));
    let half = json!({ "status": "inProgress", "percentComplete": 50, "fileId": null });
    assert_eq!(client.get(&path).await.result(), half);
    simulator.advance(Duration::from_secs(90));
    let done = client.get(&path).await.result();
    assert_eq!((done["status"].as_str(), done["percentComplete"].as_u64()), (Some("complete"), Some(100)));
    let file = client.get(&format!("{path}/files/{}", done["fileId"].as_str().unwrap())).await;
    assert_eq!(file.header("content-type"), Some("application/json"));
    assert_eq!(file.json().as_array().unwrap().len(), 4);
    assert_eq!(file.body, simulator.expected_export(&[SAMPLE_PERSON, SAMPLE_TWO_ADDRESSES[0]])[0].content.to_vec());
    assert_eq!(client.get(&format!("{path}/files/none")).await.status, 404);
    assert_eq!(client.get("/customer-data-requests/CDR_none").await.status, 404);
    assert_eq!(client.post("/customer-data-requests", json!({ "email": SAMPLE_PERSON })).await.status, 400);
}

#[tokio::test]
async fn every_format_has_the_same_responses() {
    let csv = download_export(&simulator_with_dialects("file-format-csv").await, &[SAMPLE_PERSON]).await.remove(0);
    assert_eq!(
        String::from_utf8(csv).unwrap().matches(SAMPLE_PERSON).count(),
        6,
        "three responses with two answers each"
    );
    let lines = download_export(&simulator_with_dialects("file-format-ndjson").await, &[SAMPLE_PERSON]).await.remove(0);
    let lines = String::from_utf8(lines).unwrap();
    assert_eq!(lines.lines().count(), 3);
    assert!(lines.lines().all(|line| serde_json::from_str::<Value>(line).unwrap().is_object()));
    let plain =
        download_export(&simulator_with_dialects("file-format-octet-stream").await, &[SAMPLE_PERSON]).await.remove(0);
    assert_eq!(serde_json::from_slice::<Value>(&plain).unwrap().as_array().unwrap().len(), 3);
    assert_eq!(
        gunzip(&download_export(&simulator_with_dialects("file-format-gzip").await, &[SAMPLE_PERSON]).await[0]),
        plain
    );
    let zip = download_export(&simulator_with_dialects("file-format-zip").await, &[SAMPLE_PERSON]).await.remove(0);
    assert_eq!(unzip(&zip), plain);
    let several =
        download_export(&simulator_with_dialects("file-count-several,file-ids-files-name").await, &[SAMPLE_PERSON])
            .await;
    assert_eq!(several.len(), 3);
    assert!(several.iter().all(|file| serde_json::from_slice::<Value>(file).unwrap().as_array().unwrap().len() == 1));
}

/// Extracts the file of an archive with one uncompressed file. Like an unpacker, it starts at the end.
fn unzip(zip: &[u8]) -> Vec<u8> {
    let number = |at: usize| u32::from_le_bytes(zip[at..at + 4].try_into().unwrap()) as usize;
    let end = zip.len() - 22;
    assert_eq!(&zip[end..end + 4], b"PK\x05\x06");
    let central = number(end + 16);
    assert_eq!((&zip[central..central + 4], central + number(end + 12)), (&b"PK\x01\x02"[..], end));
    let local = number(central + 42);
    assert_eq!(&zip[local..local + 4], b"PK\x03\x04");
    let name = usize::from(zip[local + 26]);
    assert_eq!(&zip[local + 30..local + 30 + name], b"responses.json");
    let data = &zip[local + 30 + name..local + 30 + name + number(local + 18)];
    let mut crc = flate2::Crc::new();
    crc.update(data);
    assert_eq!((crc.sum() as usize, number(local + 14)), (number(central + 16), number(central + 16)));
    data.to_vec()
}

#[tokio::test]
async fn person_without_data_has_no_file_or_an_empty_file() {
    let simulator = sample_simulator().await;
    assert!(download_export(&simulator, &[SAMPLE_STRANGER]).await.is_empty());
    assert!(
        download_export(&simulator, &[SAMPLE_TYPED_ADDRESS]).await.is_empty(),
        "the text of an answer is not searched"
    );
    simulator.set_dialects(Dialects::parse("no-data-empty-file").unwrap());
    assert_eq!(download_export(&simulator, &[SAMPLE_STRANGER]).await, [b"[]"]);
}

#[tokio::test]
async fn generated_file_matches_the_expected_bytes_at_every_offset() {
    const SIZE: u64 = 3_000_000;
    let person = Person::new("Much", "Data").email("much@example.org").export_bytes(SIZE);
    for format in ["json", "ndjson", "csv", "zip", "gzip"] {
        let dialects = Dialects::parse(&format!("file-format-{format}")).unwrap();
        let brand = Brand::sample().person(&person, &[]);
        let simulator = Simulator::start(brand, Options { dialects, ..Options::default() }).await.unwrap();
        let file = download_export(&simulator, &["much@example.org"]).await.remove(0);
        let expected = simulator.expected_export(&["Much@example.org"]).remove(0).content;
        assert!(expected.len() >= SIZE && expected.len() < SIZE + 1000, "{format}");
        assert_eq!(file.len() as u64, expected.len());
        for at in (0..expected.len()).step_by(99_991) {
            let some = expected.read(at, 300);
            assert_eq!(&file[at as usize..at as usize + some.len()], &some, "{format} at {at}");
        }
        match format {
            "json" => assert!(serde_json::from_slice::<Value>(&file).unwrap().as_array().unwrap().len() > 20_000),
            "gzip" => assert!(serde_json::from_slice::<Value>(&gunzip(&file)).unwrap().is_array()),
            "zip" => assert!(serde_json::from_slice::<Value>(&unzip(&file)).unwrap().is_array()),
            _ => assert!(
                String::from_utf8(file).unwrap().lines().all(|line| line.contains("R_") || line == "responseId")
            ),
        }
    }
}

#[tokio::test]
async fn huge_file_can_be_read_at_any_offset_without_being_stored() {
    let person = Person::new("Much", "Data").email("much@example.org").export_bytes(1 << 40);
    let simulator = Simulator::start(Brand::sample().person(&person, &[]), Options::default()).await.unwrap();
    let file = simulator.expected_export(&["much@example.org"]).remove(0).content;
    assert!(file.len() >= 1 << 40);
    assert!(file.read(0, 30).starts_with(b"[{\"responseId\":\"R_000000000000"));
    assert_eq!(file.read(1 + 128 * 1_000_000_000, 30), "{\"responseId\":\"R_001000000000.");
    assert!(file.read(file.len() - 3, 100).ends_with(b"\"}]"));
}

#[tokio::test]
async fn ranges_are_supported_only_in_their_dialect() {
    let simulator = sample_simulator().await;
    let whole = download_export(&simulator, &[SAMPLE_PERSON]).await.remove(0);
    let client = ApiClient::administrator(&simulator).await;
    let export = simulator.exports().pop().unwrap();
    let path = format!("/customer-data-requests/{}/files/{}", export.id, export.files[0]);
    let ignored = client.get_with(&path, &[("range", "bytes=10-19")]).await;
    assert_eq!((ignored.status, &ignored.body), (200, &whole));
    simulator.set_dialects(Dialects::parse("file-ranges").unwrap());
    let len = whole.len();
    for (range, part) in [("bytes=10-19", 10..20), ("bytes=100-", 100..len), ("bytes=-5", len - 5..len)] {
        let response = client.get_with(&path, &[("range", range)]).await;
        assert_eq!((response.status, &response.body[..]), (206, &whole[part.clone()]));
        let expected = format!("bytes {}-{}/{len}", part.start, part.end - 1);
        assert_eq!(response.header("content-range"), Some(&*expected));
    }
    assert_eq!(client.get_with(&path, &[("range", &*format!("bytes={len}-"))]).await.status, 416);
    simulator.set_dialects(Dialects::parse("file-transfer-chunked").unwrap());
    let chunked = client.get(&path).await;
    assert_eq!((chunked.header("content-length"), chunked.complete, &chunked.body), (None, true, &whole));
}
