//! Remote documents are read in chunks, on any instance, from any offset, through interrupted connections.

use std::time::Duration;

use privacy_host::contract::{Content, Document, ErrorKind, Remedy};
use privacy_host::{EgressPolicy, Host, InstanceOptions, Options as HostOptions};
use qualtrics_component::CONNECTOR;
use qualtrics_simulator::{
    Brand, Content as Bytes, Dialects, Endpoint, Fault, FaultRule, Person, SAMPLE_PERSON, WaitHint,
};

use crate::fixture::{Fixture, request_for, with_running_clock};

const BIG_READER: &str = "many.answers@example.org";

/// The dialects of file transfers.
const TRANSFERS: [&str; 4] = [
    "file-transfer-length",
    "file-transfer-chunked",
    "file-transfer-length,file-ranges",
    "file-transfer-chunked,file-ranges",
];

/// A brand with an export of this size for [`BIG_READER`].
async fn fixture_with_export(dialects: &str, bytes: u64) -> Fixture {
    let person = Person::new("Many", "Answers").email(BIG_READER).export_bytes(bytes);
    Fixture::with_brand(Brand::sample().person(&person, &[]), dialects).await
}

impl Fixture {
    /// The reference of the export's file, and its expected content.
    async fn export_file(&mut self) -> (String, Bytes) {
        let report = self.access_report(&request_for(BIG_READER)).await;
        let expected = self.simulator.expected_export(&[BIG_READER]).remove(0).content;
        let Document { content: Content::Remote(reference), .. } = report.documents[0].clone() else {
            panic!("remote")
        };
        (reference, expected)
    }
}

#[tokio::test]
async fn a_file_is_the_same_in_chunks_of_any_size() {
    for transfer in TRANSFERS {
        let mut fixture = Fixture::with_dialects(transfer).await;
        let report = fixture.access_report(&request_for(SAMPLE_PERSON)).await;
        let expected = fixture.simulator.expected_export(&[SAMPLE_PERSON]).remove(0).content.to_vec();
        for limit in [1, 7, 500, 65_536] {
            assert_eq!(fixture.bytes(&report.documents[0], limit).await, expected, "{transfer}, {limit} bytes");
        }
    }
    for transfer in TRANSFERS {
        let mut fixture = fixture_with_export(transfer, 300_000).await;
        let (reference, expected) = fixture.export_file().await;
        for limit in [8_191, 65_536, 65_537, u32::MAX] {
            assert!(fixture.read_all(&reference, limit).await == expected.to_vec(), "{transfer}, {limit} bytes");
        }
    }
}

#[tokio::test]
async fn a_chunk_has_the_requested_size_up_to_1_mib() {
    const MIB: usize = 1 << 20;
    let mut fixture = fixture_with_export("file-transfer-chunked", 3_000_000).await;
    let (reference, _) = fixture.export_file().await;
    for (offset, limit, length) in [(0, 1_000, 1_000), (1_000, u32::MAX, MIB), (1_000 + MIB as u64, 65_536, 65_536)] {
        let chunk = fixture.read(&reference, offset, limit).await.expect("a chunk");
        assert_eq!((chunk.bytes.len(), chunk.last), (length, false));
    }
}

#[tokio::test]
async fn any_instance_reads_from_any_offset() {
    for transfer in TRANSFERS {
        let mut fixture = fixture_with_export(transfer, 200_000).await;
        let (reference, expected) = fixture.export_file().await;
        let length = expected.len();
        for offset in [0, 1, 511, 512, 513, 65_536, 131_073, length - 1, length] {
            fixture.renew_instance().await;
            let chunk =
                fixture.read(&reference, offset, 70_000).await.unwrap_or_else(|error| panic!("{transfer}: {error:?}"));
            let expected_bytes = expected.read(offset, 70_000);
            assert!(chunk.bytes == expected_bytes, "{transfer}: {} bytes from {offset}", chunk.bytes.len());
            if offset + 70_000 < length {
                assert!(!chunk.last, "{transfer}: from {offset}");
            } else {
                let end = offset + chunk.bytes.len() as u64;
                let last = chunk.last || fixture.read(&reference, end, 1).await.expect("the end").last;
                assert!(last, "{transfer}: from {offset}");
            }
        }
        fixture.renew_instance().await;
        let error = fixture.read(&reference, length + 1, 10).await.expect_err("beyond the end");
        assert_eq!((error.kind, error.remedy), (ErrorKind::InvalidRequest, Remedy::GiveUp), "{transfer}");
    }
}

#[tokio::test]
async fn range_requests_are_used_if_qualtrics_supports_them() {
    let mut fixture = fixture_with_export("file-ranges", 1_000_000).await;
    let (reference, expected) = fixture.export_file().await;
    fixture.renew_instance().await;
    fixture.simulator.clear_calls();
    let chunk = fixture.read(&reference, 900_000, 10).await.expect("a chunk");
    assert!(chunk.bytes == expected.read(900_000, 10));
    let calls = fixture.simulator.calls();
    assert_eq!(calls.last().and_then(|call| call.status), Some(206));
    assert_eq!(fixture.calls_of(Endpoint::ExportFile), 1);
}

#[tokio::test]
async fn sequential_reads_make_one_call() {
    for transfer in TRANSFERS {
        let mut fixture = fixture_with_export(transfer, 500_000).await;
        let (reference, expected) = fixture.export_file().await;
        assert!(fixture.read_all(&reference, 10_000).await == expected.to_vec());
        assert_eq!(fixture.calls_of(Endpoint::ExportFile), 1, "{transfer}: the format was detected with the same call");
    }
}

#[tokio::test]
async fn a_file_of_64_mib_streams_through_2_mib_of_memory() {
    const LENGTH: u64 = 64 << 20;
    let mut fixture = fixture_with_export("", LENGTH).await;
    let host = Host::new(HostOptions { max_instances: 1, max_memory: 2 << 20, ..HostOptions::default() }).unwrap();
    let small = host.load(CONNECTOR).unwrap();
    let egress = EgressPolicy::deny_all().allow(&fixture.simulator.origin()).unwrap();
    let options = InstanceOptions { egress, clock: fixture.clock(), ..InstanceOptions::default() };
    fixture.instance = small.instantiate(options).await.unwrap();
    fixture.instance.configure(&fixture.settings).await.unwrap().unwrap();
    let (reference, expected) = fixture.export_file().await;
    assert!(expected.len() >= LENGTH);
    let mut offset = 0;
    loop {
        let chunk = fixture.read(&reference, offset, 65_536).await.expect("a chunk");
        assert!(chunk.bytes == expected.read(offset, chunk.bytes.len()), "from {offset}");
        offset += chunk.bytes.len() as u64;
        if chunk.last {
            break;
        }
    }
    assert_eq!(offset, expected.len());
    assert_eq!(fixture.calls_of(Endpoint::ExportFile), 1);
    let memory = fixture.instance.memory().expect("a live instance");
    assert!((1 << 20..=2 << 20).contains(&memory), "{memory} bytes");
}

#[tokio::test]
async fn dropping_the_instance_closes_the_connection() {
    let mut fixture = fixture_with_export("", 64 << 20).await;
    let (reference, _) = fixture.export_file().await;
    fixture.read(&reference, 0, 1_000).await.expect("a chunk");
    let open = fixture.simulator.open_connections();
    fixture.renew_instance().await;
    for _ in 0..5_000 {
        if fixture.simulator.open_connections() < open {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("{open} connections are still open");
}

#[tokio::test]
async fn an_interrupted_read_returns_the_received_bytes_and_resumes() {
    for transfer in TRANSFERS {
        for fault in [Fault::HalfAnswer, Fault::ChunksCutOff, Fault::StalledAnswer] {
            let mut fixture = fixture_with_export(transfer, 300_000).await;
            // The first call detects the format, and its connection stays open.
            fixture.simulator.set_faults(vec![FaultRule::nth(Endpoint::ExportFile, 1, fault.clone())]);
            let (reference, expected) = fixture.export_file().await;
            let mut bytes: Vec<u8> = Vec::new();
            loop {
                let clock = fixture.clock();
                let read = fixture.instance.read(&reference, bytes.len() as u64, 65_536);
                let chunk = with_running_clock(&clock, read).await.unwrap().unwrap_or_else(|error| panic!("{error:?}"));
                assert!(chunk.last || !chunk.bytes.is_empty());
                bytes.extend(&chunk.bytes);
                if chunk.last {
                    break;
                }
            }
            assert!(bytes == expected.to_vec(), "{transfer}, {fault:?}: {} bytes", bytes.len());
            assert_eq!(fixture.calls_of(Endpoint::ExportFile), 2, "{transfer}, {fault:?}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_closed_between_two_reads_is_reopened() {
    for transfer in TRANSFERS {
        for fault in [Fault::HalfAnswer, Fault::ChunksCutOff] {
            let mut fixture = fixture_with_export(transfer, 100_000).await;
            fixture.simulator.set_faults(vec![FaultRule::nth(Endpoint::ExportFile, 1, fault.clone())]);
            let (reference, expected) = fixture.export_file().await;
            let half = expected.len() / 2;
            let chunk = fixture.read(&reference, 0, half as u32).await.expect("the first half");
            assert!(chunk.bytes == expected.read(0, half as usize));
            let chunk = fixture.read(&reference, half, 1_000).await.expect("the second half");
            assert!(chunk.bytes == expected.read(half, 1_000), "{transfer}, {fault:?}");
            assert_eq!(fixture.calls_of(Endpoint::ExportFile), 2, "{transfer}, {fault:?}");
        }
    }
}

#[tokio::test]
async fn a_read_error_that_persists_is_reported() {
    let mut fixture = fixture_with_export("", 300_000).await;
    let (reference, expected) = fixture.export_file().await;
    fixture.renew_instance().await;
    fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::ExportFile, Fault::HalfAnswer)]);
    let mut offset = 0;
    let error = loop {
        match fixture.read(&reference, offset, 65_536).await {
            Ok(chunk) => {
                assert!(!chunk.last && !chunk.bytes.is_empty());
                offset += chunk.bytes.len() as u64;
            }
            Err(error) => break error,
        }
    };
    assert_eq!(offset, expected.len() / 2, "every received byte was returned");
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(matches!(error.remedy, Remedy::Retry(1..)));
    fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::ExportFile, Fault::Status(503, WaitHint::None))]);
    let error = fixture.read(&reference, 0, 10).await.expect_err("down");
    assert_eq!((error.kind, error.http_status), (ErrorKind::Unavailable, Some(503)));
    fixture
        .simulator
        .set_faults(vec![FaultRule::every(Endpoint::ExportFile, Fault::Status(429, WaitHint::Seconds(50)))]);
    let error = fixture.read(&reference, 0, 10).await.expect_err("limited");
    assert_eq!((error.kind, error.remedy), (ErrorKind::RateLimited, Remedy::Retry(50_000)));
    fixture.simulator.set_faults(Vec::new());
    assert!(fixture.read(&reference, offset, 10).await.expect("a chunk").bytes == expected.read(offset, 10));
}

#[tokio::test]
async fn reading_resumes_after_a_long_pause() {
    for transfer in TRANSFERS {
        let mut fixture = fixture_with_export(transfer, 400_000).await;
        let (reference, expected) = fixture.export_file().await;
        let mut bytes = fixture.read(&reference, 0, 65_536).await.expect("a chunk").bytes;
        fixture.advance(Duration::from_secs(20 * 60));
        while (bytes.len() as u64) < expected.len() {
            bytes.extend(fixture.read(&reference, bytes.len() as u64, 65_536).await.expect("a chunk").bytes);
        }
        assert!(bytes == expected.to_vec(), "{transfer}");
        assert_eq!(fixture.calls_of(Endpoint::ExportFile), 1, "{transfer}: the connection stayed open");
        // The document is still readable after the token has expired.
        fixture.advance(Duration::from_secs(7_200));
        assert!(fixture.read_all(&reference, 65_536).await == expected.to_vec(), "{transfer}");
    }
}

#[tokio::test]
async fn a_changed_file_requires_a_restart() {
    let mut fixture = fixture_with_export("", 100_000).await;
    let (reference, _) = fixture.export_file().await;
    fixture.renew_instance().await;
    fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::ExportFile, Fault::LengthTooLong)]);
    let error = fixture.read(&reference, 500, 10).await.expect_err("a changed file");
    assert_eq!((error.kind, error.remedy), (ErrorKind::JobNotFound, Remedy::Restart));
}

#[tokio::test]
async fn a_vanished_file_requires_a_restart() {
    for dialects in ["not-found-404", "not-found-400"] {
        let mut fixture = fixture_with_export(dialects, 100_000).await;
        let (reference, _) = fixture.export_file().await;
        fixture.simulator.forget_jobs();
        fixture.renew_instance().await;
        let error = fixture.read(&reference, 0, 10).await.expect_err("gone");
        assert_eq!((error.kind, error.remedy), (ErrorKind::JobNotFound, Remedy::Restart), "{dialects}");
    }
    let mut fixture = fixture_with_export("file-expiry-hour", 100_000).await;
    let (reference, _) = fixture.export_file().await;
    fixture.advance(Duration::from_secs(7_200));
    fixture.renew_instance().await;
    let error = fixture.read(&reference, 0, 10).await.expect_err("expired");
    assert_eq!((error.kind, error.remedy), (ErrorKind::JobNotFound, Remedy::Restart));
}

#[tokio::test]
async fn two_documents_can_be_read_alternately() {
    let dialects = Dialects::parse("file-count-several").unwrap();
    let mut fixture = Fixture::new().await;
    fixture.simulator.set_dialects(dialects);
    let report = fixture.access_report(&request_for(SAMPLE_PERSON)).await;
    let expected = fixture.simulator.expected_export(&[SAMPLE_PERSON]);
    let mut read = vec![Vec::<u8>::new(); 2];
    for turn in 0..40 {
        let document = turn % 2;
        let Content::Remote(reference) = report.documents[document].content.clone() else { panic!("remote") };
        let chunk = fixture.read(&reference, read[document].len() as u64, 20).await.expect("a chunk");
        read[document].extend(&chunk.bytes);
    }
    for (read, expected) in read.iter().zip(expected) {
        let expected = expected.content.to_vec();
        assert_eq!(*read, expected[..expected.len().min(400)]);
    }
}
