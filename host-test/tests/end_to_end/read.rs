//! Remote documents: read in pieces, on any instance, from any offset, whatever becomes of the connection.

use std::time::Duration;

use host_test::COMPONENT;
use host_test::host::contract::{Content, Document, ErrorKind, Remedy};
use host_test::host::{EgressPolicy, Host, InstanceOptions, Options as HostOptions};
use host_test::simulator::{
    Brand, Content as Bytes, Dialects, Endpoint, Fault, FaultRule, Person, SAMPLE_PERSON, WaitHint,
};

use crate::world::{World, about, in_passing_time, pending};

const BIG_READER: &str = "many.answers@example.org";

/// How a file may be sent.
const WAYS: [&str; 4] = [
    "file-transfer-length",
    "file-transfer-chunked",
    "file-transfer-length,file-ranges",
    "file-transfer-chunked,file-ranges",
];

/// A brand whose export for [`BIG_READER`] is this long.
async fn world(dialects: &str, bytes: u64) -> World {
    let person = Person::new("Many", "Answers").email(BIG_READER).export_bytes(bytes);
    World::of_brand(Brand::sample().person(&person, &[]), dialects).await
}

impl World {
    /// The reference of the export's file, and what it should hold.
    async fn exported(&mut self) -> (String, Bytes) {
        let report = self.accessed(&about(BIG_READER)).await;
        let expected = self.simulator.expected_export(&[BIG_READER]).remove(0).content;
        let Document { content: Content::Remote(reference), .. } = report.documents[0].clone() else {
            panic!("remote")
        };
        (reference, expected)
    }
}

#[tokio::test]
async fn a_file_is_the_same_in_pieces_of_any_size() {
    for ways in WAYS {
        let mut world = World::speaking(ways).await;
        let report = world.accessed(&about(SAMPLE_PERSON)).await;
        let expected = world.simulator.expected_export(&[SAMPLE_PERSON]).remove(0).content.to_vec();
        for limit in [1, 7, 500, 65_536] {
            assert_eq!(world.bytes(&report.documents[0], limit).await, expected, "{ways}, {limit} bytes");
        }
    }
    for ways in WAYS {
        let mut world = world(ways, 300_000).await;
        let (reference, expected) = world.exported().await;
        for limit in [8_191, 65_536, 65_537, u32::MAX] {
            assert!(world.read_all(&reference, limit).await == expected.to_vec(), "{ways}, {limit} bytes");
        }
    }
}

#[tokio::test]
async fn a_piece_is_as_long_as_was_asked_or_64_kib() {
    let mut world = world("file-transfer-chunked", 300_000).await;
    let (reference, _) = world.exported().await;
    for (offset, limit, length) in [(0, 1_000, 1_000), (1_000, u32::MAX, 65_536), (66_536, 65_536, 65_536)] {
        let chunk = world.read(&reference, offset, limit).await.expect("a piece");
        assert_eq!((chunk.bytes.len(), chunk.last), (length, false));
    }
}

#[tokio::test]
async fn any_instance_reads_on_at_any_offset() {
    for ways in WAYS {
        let mut world = world(ways, 200_000).await;
        let (reference, expected) = world.exported().await;
        let length = expected.len();
        for offset in [0, 1, 511, 512, 513, 65_536, 131_073, length - 1, length] {
            world.change_instance().await;
            let chunk =
                world.read(&reference, offset, 70_000).await.unwrap_or_else(|error| panic!("{ways}: {error:?}"));
            let piece = expected.read(offset, 65_536);
            assert!(chunk.bytes == piece, "{ways}: {} bytes from {offset}", chunk.bytes.len());
            if offset + 65_536 < length {
                assert!(!chunk.last, "{ways}: from {offset}");
            } else {
                let end = offset + chunk.bytes.len() as u64;
                let last = chunk.last || world.read(&reference, end, 1).await.expect("the end").last;
                assert!(last, "{ways}: from {offset}");
            }
        }
        world.change_instance().await;
        let error = world.read(&reference, length + 1, 10).await.expect_err("behind the end");
        assert_eq!((error.kind, error.remedy), (ErrorKind::InvalidRequest, Remedy::GiveUp), "{ways}");
    }
}

#[tokio::test]
async fn ranges_are_used_where_qualtrics_serves_them() {
    let mut world = world("file-ranges", 1_000_000).await;
    let (reference, expected) = world.exported().await;
    world.change_instance().await;
    world.simulator.clear_calls();
    let chunk = world.read(&reference, 900_000, 10).await.expect("a piece");
    assert!(chunk.bytes == expected.read(900_000, 10));
    let calls = world.simulator.calls();
    assert_eq!(calls.last().and_then(|call| call.status), Some(206));
    assert_eq!(world.calls_of(Endpoint::ExportFile), 1);
}

#[tokio::test]
async fn reading_in_order_costs_one_call_in_all() {
    for ways in WAYS {
        let mut world = world(ways, 500_000).await;
        let (reference, expected) = world.exported().await;
        assert!(world.read_all(&reference, 10_000).await == expected.to_vec());
        assert_eq!(world.calls_of(Endpoint::ExportFile), 1, "{ways}: the look at what it is included");
    }
}

#[tokio::test]
async fn a_file_of_64_mib_passes_through_2_mib_of_memory() {
    const LENGTH: u64 = 64 << 20;
    let mut world = world("", LENGTH).await;
    let host = Host::new(HostOptions { max_instances: 1, max_memory: 2 << 20, ..HostOptions::default() }).unwrap();
    let small = host.load(COMPONENT).unwrap();
    let egress = EgressPolicy::deny_all().allow(&world.simulator.origin()).unwrap();
    let options = InstanceOptions { egress, clock: world.clock(), ..InstanceOptions::default() };
    world.instance = small.instantiate(options).await.unwrap();
    world.instance.configure(&world.settings).await.unwrap().unwrap();
    let (reference, expected) = world.exported().await;
    assert!(expected.len() >= LENGTH);
    let mut offset = 0;
    loop {
        let chunk = world.read(&reference, offset, 65_536).await.expect("a piece");
        assert!(chunk.bytes == expected.read(offset, chunk.bytes.len()), "from {offset}");
        offset += chunk.bytes.len() as u64;
        if chunk.last {
            break;
        }
    }
    assert_eq!(offset, expected.len());
    assert_eq!(world.calls_of(Endpoint::ExportFile), 1);
    let memory = world.instance.memory().expect("it lives");
    assert!((1 << 20..=2 << 20).contains(&memory), "{memory} bytes");
}

#[tokio::test]
async fn dropping_the_instance_closes_the_connection() {
    let mut world = world("", 64 << 20).await;
    let (reference, _) = world.exported().await;
    world.read(&reference, 0, 1_000).await.expect("a piece");
    let open = world.simulator.open_connections();
    world.change_instance().await;
    for _ in 0..5_000 {
        if world.simulator.open_connections() < open {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("{open} connections were open, and still are");
}

#[tokio::test]
async fn what_came_before_a_break_is_handed_out_and_reading_on_works() {
    for ways in WAYS {
        for fault in [Fault::HalfAnswer, Fault::ChunksCutOff, Fault::StalledAnswer] {
            let mut world = world(ways, 300_000).await;
            // The first call looks at the file, and its connection is kept.
            world.simulator.set_faults(vec![FaultRule::nth(Endpoint::ExportFile, 1, fault.clone())]);
            let (reference, expected) = world.exported().await;
            let mut bytes = Vec::new();
            loop {
                let clock = world.clock();
                let read = world.instance.read(&reference, bytes.len() as u64, 65_536);
                let chunk = in_passing_time(&clock, read).await.unwrap().unwrap_or_else(|error| panic!("{error:?}"));
                assert!(chunk.last || !chunk.bytes.is_empty());
                bytes.extend(chunk.bytes);
                if chunk.last {
                    break;
                }
            }
            assert!(bytes == expected.to_vec(), "{ways}, {fault:?}: {} bytes", bytes.len());
            assert_eq!(world.calls_of(Endpoint::ExportFile), 2, "{ways}, {fault:?}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_died_between_two_pieces_is_made_anew() {
    for ways in WAYS {
        for fault in [Fault::HalfAnswer, Fault::ChunksCutOff] {
            let mut world = world(ways, 100_000).await;
            world.simulator.set_faults(vec![FaultRule::nth(Endpoint::ExportFile, 1, fault.clone())]);
            let (reference, expected) = world.exported().await;
            let half = expected.len() / 2;
            let chunk = world.read(&reference, 0, half as u32).await.expect("the half that came");
            assert!(chunk.bytes == expected.read(0, half as usize));
            let chunk = world.read(&reference, half, 1_000).await.expect("what comes after it");
            assert!(chunk.bytes == expected.read(half, 1_000), "{ways}, {fault:?}");
            assert_eq!(world.calls_of(Endpoint::ExportFile), 2, "{ways}, {fault:?}");
        }
    }
}

#[tokio::test]
async fn a_break_that_lasts_is_told() {
    let mut world = world("", 300_000).await;
    let (reference, expected) = world.exported().await;
    world.change_instance().await;
    world.simulator.set_faults(vec![FaultRule::every(Endpoint::ExportFile, Fault::HalfAnswer)]);
    let mut offset = 0;
    let error = loop {
        match world.read(&reference, offset, 65_536).await {
            Ok(chunk) => {
                assert!(!chunk.last && !chunk.bytes.is_empty());
                offset += chunk.bytes.len() as u64;
            }
            Err(error) => break error,
        }
    };
    assert_eq!(offset, expected.len() / 2, "all that came was handed out");
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(matches!(error.remedy, Remedy::Retry(1..)));
    world.simulator.set_faults(vec![FaultRule::every(Endpoint::ExportFile, Fault::Status(503, WaitHint::None))]);
    let error = world.read(&reference, 0, 10).await.expect_err("down");
    assert_eq!((error.kind, error.http_status), (ErrorKind::Unavailable, Some(503)));
    world.simulator.set_faults(vec![FaultRule::every(Endpoint::ExportFile, Fault::Status(429, WaitHint::Seconds(50)))]);
    let error = world.read(&reference, 0, 10).await.expect_err("limited");
    assert_eq!((error.kind, error.remedy), (ErrorKind::RateLimited, Remedy::Retry(50_000)));
    world.simulator.set_faults(Vec::new());
    assert!(world.read(&reference, offset, 10).await.expect("a piece").bytes == expected.read(offset, 10));
}

#[tokio::test]
async fn a_document_that_nobody_read_for_a_while_is_read_on() {
    for ways in WAYS {
        let mut world = world(ways, 400_000).await;
        let (reference, expected) = world.exported().await;
        let mut bytes = world.read(&reference, 0, 65_536).await.expect("a piece").bytes;
        world.advance(Duration::from_secs(20 * 60));
        while (bytes.len() as u64) < expected.len() {
            bytes.extend(world.read(&reference, bytes.len() as u64, 65_536).await.expect("a piece").bytes);
        }
        assert!(bytes == expected.to_vec(), "{ways}");
        assert_eq!(world.calls_of(Endpoint::ExportFile), 1, "{ways}: the connection was kept");
        // Long after the token is stale, too.
        world.advance(Duration::from_secs(7_200));
        assert!(world.read_all(&reference, 65_536).await == expected.to_vec(), "{ways}");
    }
}

#[tokio::test]
async fn a_file_that_changed_is_begun_anew() {
    let mut world = world("", 100_000).await;
    let (reference, _) = world.exported().await;
    world.change_instance().await;
    world.simulator.set_faults(vec![FaultRule::every(Endpoint::ExportFile, Fault::LengthTooLong)]);
    let error = world.read(&reference, 500, 10).await.expect_err("another file");
    assert_eq!((error.kind, error.remedy), (ErrorKind::UnknownJob, Remedy::Restart));
}

#[tokio::test]
async fn what_cannot_be_read_is_said() {
    let mut world = world("", 100_000).await;
    let (reference, expected) = world.exported().await;
    for (offset, limit) in [(0, 0), (expected.len() + 1, 10), (u64::MAX, 10)] {
        let error = world.read(&reference, offset, limit).await.expect_err("nonsense");
        assert_eq!((error.kind, error.remedy), (ErrorKind::InvalidRequest, Remedy::GiveUp), "{limit} from {offset}");
    }
    let mut damaged = reference.clone();
    damaged.replace_range(10..11, if &damaged[10..11] == "A" { "B" } else { "A" });
    let ticket = pending(world.access(&about(SAMPLE_PERSON)).await).ticket;
    for text in ["", "r1", &damaged, &ticket] {
        let error = world.read(text, 0, 10).await.expect_err("no reference");
        assert_eq!((error.kind, error.remedy), (ErrorKind::InvalidTicket, Remedy::GiveUp), "{text}");
    }
}

#[tokio::test]
async fn a_file_that_is_gone_is_begun_anew() {
    for dialects in ["not-found-404", "not-found-400"] {
        let mut world = world(dialects, 100_000).await;
        let (reference, _) = world.exported().await;
        world.simulator.forget_jobs();
        world.change_instance().await;
        let error = world.read(&reference, 0, 10).await.expect_err("gone");
        assert_eq!((error.kind, error.remedy), (ErrorKind::UnknownJob, Remedy::Restart), "{dialects}");
    }
    let mut world = world("file-expiry-hour", 100_000).await;
    let (reference, _) = world.exported().await;
    world.advance(Duration::from_secs(7_200));
    world.change_instance().await;
    let error = world.read(&reference, 0, 10).await.expect_err("expired");
    assert_eq!((error.kind, error.remedy), (ErrorKind::UnknownJob, Remedy::Restart));
}

#[tokio::test]
async fn two_documents_may_be_read_by_turns() {
    let dialects = Dialects::parse("file-count-several").unwrap();
    let mut world = World::new().await;
    world.simulator.set_dialects(dialects);
    let report = world.accessed(&about(SAMPLE_PERSON)).await;
    let expected = world.simulator.expected_export(&[SAMPLE_PERSON]);
    let mut read = vec![Vec::new(); 2];
    for turn in 0..40 {
        let one = turn % 2;
        let Content::Remote(reference) = report.documents[one].content.clone() else { panic!("remote") };
        let chunk = world.read(&reference, read[one].len() as u64, 20).await.expect("a piece");
        read[one].extend(chunk.bytes);
    }
    for (read, expected) in read.iter().zip(expected) {
        let expected = expected.content.to_vec();
        assert_eq!(*read, expected[..expected.len().min(400)]);
    }
}
