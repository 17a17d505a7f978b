//! Documents, streamed.

use super::fake::{Fake, get};
use crate::document::Truncated;
use crate::response::{Payload, Response};

/// The bytes that are sent, and whether the body is complete.
fn collect(response: Response, connector: &mut Fake) -> (Vec<u8>, bool) {
    let Payload::Streamed(mut document) = response.payload else { panic!("{}", response.text()) };
    let mut bytes = Vec::new();
    loop {
        match document.next_chunk(connector) {
            Ok(chunk) if chunk.is_empty() => return (bytes, true),
            Ok(chunk) => {
                assert!(chunk.len() <= 65_536);
                bytes.extend(chunk);
            }
            Err(Truncated) => return (bytes, false),
        }
        assert!(connector.reads.len() < 1_000, "the document does not end");
    }
}

fn length(response: &Response) -> Option<usize> {
    response.header("content-length").map(|length| length.parse().expect("a length"))
}

/// A connector that marks the chunk with the last byte as the last, and one that ends with an empty chunk.
fn both_kinds_of_end() -> [Fake; 2] {
    [true, false].map(|marks_last_byte| Fake { marks_last_byte, ..Fake::default() })
}

#[test]
fn a_document_is_complete_from_any_offset() {
    for mut connector in both_kinds_of_end() {
        let whole = connector.document.clone();
        for offset in [0, 1, 65_536, 199_999, 200_000] {
            for (query, announced) in [(String::new(), None), ("&size=200000".to_owned(), Some(200_000 - offset))] {
                let response = get(&format!("/documents/r1?offset={offset}{query}")).send(&mut connector);
                assert_eq!(response.status, 200);
                assert_eq!(response.header("content-type"), Some("application/octet-stream"));
                assert_eq!(response.header("accept-ranges"), announced.map(|_| "bytes"));
                if let Some(announced) = announced {
                    assert_eq!(length(&response), Some(announced));
                }
                let (bytes, is_complete) = collect(response, &mut connector);
                assert!(is_complete && bytes == whole[offset..], "{} bytes from {offset}{query}", bytes.len());
            }
        }
    }
}

#[test]
fn a_short_document_has_its_length_and_a_long_one_of_unknown_length_has_none() {
    let mut connector = Fake { document: b"{}".to_vec(), ..Fake::default() };
    assert_eq!(length(&get("/documents/r1").send(&mut connector)), Some(2));
    connector.document = Vec::new();
    let response = get("/documents/r1").send(&mut connector);
    assert_eq!(length(&response), Some(0));
    assert_eq!(collect(response, &mut connector), (Vec::new(), true));
    assert_eq!(length(&get("/documents/r1").send(&mut Fake::default())), None);
}

#[test]
fn chunks_are_read_when_they_are_sent() {
    let mut connector = Fake::default();
    let response = get("/documents/r1").send(&mut connector);
    assert_eq!(connector.reads, [(0, 65_536)], "the first chunk is read before the response starts");
    let Payload::Streamed(mut document) = response.payload else { panic!("a document") };
    document.next_chunk(&mut connector).expect("a chunk");
    assert_eq!(connector.reads, [(0, 65_536)]);
    document.next_chunk(&mut connector).expect("a chunk");
    assert_eq!(connector.reads, [(0, 65_536), (65_536, 65_536)]);
}

#[test]
fn a_failed_first_read_is_a_problem_response() {
    let mut connector = Fake { fails_at: Some(0), ..Fake::default() };
    let response = get("/documents/r1").send(&mut connector);
    assert_eq!((response.status, response.header("retry-after")), (503, Some("2")));
    assert_eq!(response.problem(), "unavailable");
}

#[test]
fn a_failed_later_read_truncates_the_body() {
    for query in ["", "?size=200000"] {
        for chunk_bytes in [usize::MAX, 1_000] {
            for mut connector in both_kinds_of_end() {
                connector.fails_at = Some(100_000);
                connector.chunk_bytes = chunk_bytes;
                let response = get(&format!("/documents/r1{query}")).send(&mut connector);
                assert_eq!(response.status, 200);
                let (bytes, is_complete) = collect(response, &mut connector);
                assert!(!is_complete, "{query}");
                assert!(!bytes.is_empty() && bytes == Fake::default().document[..bytes.len()]);
            }
        }
    }
}

#[test]
fn a_wrong_size_is_409_or_truncates_the_body() {
    for (size, is_detected_first) in
        [(199_999, false), (200_001, false), (100_000, false), (65_536, true), (10, true), (0, true)]
    {
        for mut connector in both_kinds_of_end() {
            let response = get(&format!("/documents/r1?size={size}")).send(&mut connector);
            if is_detected_first {
                assert_eq!((response.status, response.problem().as_str()), (409, "other-size"), "{size}");
            } else {
                assert_eq!(length(&response), Some(size));
                let (bytes, is_complete) = collect(response, &mut connector);
                assert!(!is_complete && bytes.len() < size, "{size}: {} bytes", bytes.len());
            }
        }
    }
    let mut connector = Fake { document: b"{}".to_vec(), ..Fake::default() };
    assert_eq!(get("/documents/r1?size=3").send(&mut connector).status, 409);
    assert_eq!(get("/documents/r1?size=2").send(&mut connector).status, 200);
}

#[test]
fn an_empty_chunk_that_is_not_the_last_is_an_error() {
    let mut connector = Fake { chunk_bytes: 0, ..Fake::default() };
    let response = get("/documents/r1").send(&mut connector);
    assert_eq!((response.status, response.problem().as_str()), (502, "unexpected-response"));
}

#[test]
fn a_range_is_served_if_the_query_has_the_size() {
    for (offset, range, bytes) in [
        (0, "bytes=0-0", 0..1),
        (0, "bytes=5-70004", 5..70_005),
        (0, "bytes=150000-", 150_000..200_000),
        (0, "bytes=199999-300000", 199_999..200_000),
        (0, "bytes=-7", 199_993..200_000),
        (0, "bytes=-300000", 0..200_000),
        (100_000, "bytes=5-9", 5..10),
        (100_000, "bytes=-1", 99_999..100_000),
    ] {
        for mut connector in both_kinds_of_end() {
            let target = format!("/documents/r1?size=200000&offset={offset}");
            let response = get(&target).header("range", range).send(&mut connector);
            assert_eq!((response.status, length(&response)), (206, Some(bytes.len())), "{range}");
            let expected = format!("bytes {}-{}/{}", bytes.start, bytes.end - 1, 200_000 - offset);
            assert_eq!(response.header("content-range"), Some(expected.as_str()));
            let (read, is_complete) = collect(response, &mut connector);
            assert!(is_complete && read == connector.document[offset + bytes.start..offset + bytes.end], "{range}");
        }
    }
}

#[test]
fn a_range_beyond_the_end_is_416() {
    for (target, range) in [
        ("/documents/r1?size=200000", "bytes=200000-"),
        ("/documents/r1?size=200000", "bytes=-0"),
        ("/documents/r1?size=0", "bytes=0-"),
        ("/documents/r1?size=200000&offset=100000", "bytes=100000-"),
    ] {
        let response = get(target).header("range", range).send(&mut Fake::default());
        assert_eq!((response.status, response.problem().as_str()), (416, "range-not-satisfiable"), "{target} {range}");
        assert!(response.header("content-range").is_some_and(|range| range.starts_with("bytes */")));
    }
    assert_eq!(get("/documents/r1?size=10&offset=11").send(&mut Fake::default()).status, 416);
}

#[test]
fn an_unsupported_range_returns_the_whole_document() {
    let of = |target: &str, range: &str| get(target).header("range", range);
    let size = "/documents/r1?size=200000";
    for request in [
        of("/documents/r1", "bytes=5-9"),
        of(size, "bytes=0-1,5-9"),
        of(size, "bytes=9-5"),
        of(size, "bytes=a-b"),
        of(size, "bytes=-"),
        of(size, "bytes=+1-2"),
        of(size, "lines=1-2"),
        of(size, "bytes=5-9").header("if-range", "\"tag\""),
    ] {
        let mut connector = Fake::default();
        let response = request.send(&mut connector);
        assert_eq!((response.status, response.header("content-range")), (200, None));
        assert_eq!(collect(response, &mut connector).0.len(), 200_000);
    }
}
