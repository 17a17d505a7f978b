//! Documents, streamed.

use super::fake::{Fake, get};
use crate::document::Broken;
use crate::http::{Answer, Payload};

/// The pieces that are sent, and whether the body comes to its end.
fn body(answer: Answer, connector: &mut Fake) -> (Vec<u8>, bool) {
    let Payload::Streamed(mut document) = answer.payload else { panic!("{}", answer.text()) };
    let mut bytes = Vec::new();
    loop {
        match document.piece(connector) {
            Ok(piece) if piece.is_empty() => return (bytes, true),
            Ok(piece) => {
                assert!(piece.len() <= 65_536);
                bytes.extend(piece);
            }
            Err(Broken) => return (bytes, false),
        }
        assert!(connector.reads.len() < 1_000, "it has an end");
    }
}

fn length(answer: &Answer) -> Option<usize> {
    answer.header("content-length").map(|length| length.parse().expect("a length"))
}

/// Connectors that tell the end with the last byte, or only behind it.
fn both() -> [Fake; 2] {
    [true, false].map(|tells_end| Fake { tells_end, ..Fake::default() })
}

#[test]
fn a_document_comes_whole_from_any_offset() {
    for mut connector in both() {
        let whole = connector.document.clone();
        for offset in [0, 1, 65_536, 199_999, 200_000] {
            for (query, promised) in [(String::new(), None), ("&size=200000".to_owned(), Some(200_000 - offset))] {
                let answer = get(&format!("/documents/r1?offset={offset}{query}")).answer(&mut connector);
                assert_eq!(answer.status, 200);
                assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
                assert_eq!(answer.header("accept-ranges"), promised.map(|_| "bytes"));
                if let Some(promised) = promised {
                    assert_eq!(length(&answer), Some(promised));
                }
                let (bytes, ended) = body(answer, &mut connector);
                assert!(ended && bytes == whole[offset..], "{} bytes from {offset}{query}", bytes.len());
            }
        }
    }
}

#[test]
fn a_short_document_has_its_length_and_a_long_one_of_unknown_length_has_none() {
    let mut connector = Fake { document: b"{}".to_vec(), ..Fake::default() };
    assert_eq!(length(&get("/documents/r1").answer(&mut connector)), Some(2));
    connector.document = Vec::new();
    let answer = get("/documents/r1").answer(&mut connector);
    assert_eq!(length(&answer), Some(0));
    assert_eq!(body(answer, &mut connector), (Vec::new(), true));
    assert_eq!(length(&get("/documents/r1").answer(&mut Fake::default())), None);
}

#[test]
fn no_more_is_read_than_is_sent() {
    let mut connector = Fake::default();
    let answer = get("/documents/r1").answer(&mut connector);
    assert_eq!(connector.reads, [(0, 65_536)], "the head goes out with the first piece at hand");
    let Payload::Streamed(mut document) = answer.payload else { panic!("a document") };
    document.piece(&mut connector).expect("a piece");
    assert_eq!(connector.reads, [(0, 65_536)]);
    document.piece(&mut connector).expect("a piece");
    assert_eq!(connector.reads, [(0, 65_536), (65_536, 65_536)]);
}

#[test]
fn what_cannot_be_read_at_all_is_a_problem() {
    let mut connector = Fake { broken_at: Some(0), ..Fake::default() };
    let answer = get("/documents/r1").answer(&mut connector);
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("2")));
    assert_eq!(answer.problem(), "unavailable");
}

#[test]
fn a_body_that_breaks_off_never_looks_whole() {
    for query in ["", "?size=200000"] {
        for piece in [usize::MAX, 1_000] {
            for mut connector in both() {
                connector.broken_at = Some(100_000);
                connector.piece = piece;
                let answer = get(&format!("/documents/r1{query}")).answer(&mut connector);
                assert_eq!(answer.status, 200);
                let (bytes, ended) = body(answer, &mut connector);
                assert!(!ended, "{query}");
                assert!(!bytes.is_empty() && bytes == Fake::default().document[..bytes.len()]);
            }
        }
    }
}

#[test]
fn a_document_of_another_size_than_was_said_never_looks_whole() {
    for (size, at_once) in [(199_999, false), (200_001, false), (100_000, false), (65_536, true), (10, true), (0, true)]
    {
        for mut connector in both() {
            let answer = get(&format!("/documents/r1?size={size}")).answer(&mut connector);
            if at_once {
                assert_eq!((answer.status, answer.problem().as_str()), (409, "other-size"), "{size}");
            } else {
                assert_eq!(length(&answer), Some(size));
                let (bytes, ended) = body(answer, &mut connector);
                assert!(!ended && bytes.len() < size, "{size}: {} bytes", bytes.len());
            }
        }
    }
    let mut connector = Fake { document: b"{}".to_vec(), ..Fake::default() };
    assert_eq!(get("/documents/r1?size=3").answer(&mut connector).status, 409);
    assert_eq!(get("/documents/r1?size=2").answer(&mut connector).status, 200);
}

#[test]
fn a_connector_that_reads_nothing_does_not_hold_the_gateway() {
    let mut connector = Fake { piece: 0, ..Fake::default() };
    let answer = get("/documents/r1").answer(&mut connector);
    assert_eq!((answer.status, answer.problem().as_str()), (502, "unexpected-response"));
}

#[test]
fn a_range_is_served_where_the_size_is_said() {
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
        for mut connector in both() {
            let target = format!("/documents/r1?size=200000&offset={offset}");
            let answer = get(&target).header("range", range).answer(&mut connector);
            assert_eq!((answer.status, length(&answer)), (206, Some(bytes.len())), "{range}");
            let told = format!("bytes {}-{}/{}", bytes.start, bytes.end - 1, 200_000 - offset);
            assert_eq!(answer.header("content-range"), Some(told.as_str()));
            let (read, ended) = body(answer, &mut connector);
            assert!(ended && read == connector.document[offset + bytes.start..offset + bytes.end], "{range}");
        }
    }
}

#[test]
fn a_range_behind_the_end_is_refused() {
    for (target, range) in [
        ("/documents/r1?size=200000", "bytes=200000-"),
        ("/documents/r1?size=200000", "bytes=-0"),
        ("/documents/r1?size=0", "bytes=0-"),
        ("/documents/r1?size=200000&offset=100000", "bytes=100000-"),
    ] {
        let answer = get(target).header("range", range).answer(&mut Fake::default());
        assert_eq!((answer.status, answer.problem().as_str()), (416, "range-not-satisfiable"), "{target} {range}");
        assert!(answer.header("content-range").is_some_and(|range| range.starts_with("bytes */")));
    }
    assert_eq!(get("/documents/r1?size=10&offset=11").answer(&mut Fake::default()).status, 416);
}

#[test]
fn a_range_that_cannot_be_served_gives_the_whole() {
    let of = |target: &str, range: &str| get(target).header("range", range);
    let size = "/documents/r1?size=200000";
    for caller in [
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
        let answer = caller.answer(&mut connector);
        assert_eq!((answer.status, answer.header("content-range")), (200, None));
        assert_eq!(body(answer, &mut connector).0.len(), 200_000);
    }
}
