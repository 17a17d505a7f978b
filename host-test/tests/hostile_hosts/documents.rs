//! References that are damaged, and offsets beyond the end.

use privacy_host::contract::ErrorKind;

use crate::in_progress::InProgress;
use crate::tickets::flipped;
use crate::{huge, rejected};

#[tokio::test]
async fn damaged_references_and_offsets_beyond_the_end_are_errors() {
    let mut in_progress = InProgress::new().await;
    let reference = in_progress.reference.clone();
    let ticket = in_progress.access.1.clone();
    let fixture = &mut in_progress.fixture;
    let mut damaged = vec![String::new(), huge(), ticket.clone(), reference.repeat(2), "r2.AAAA.AAAA".to_owned()];
    for position in 0..reference.len() {
        damaged.push(reference[..position].to_owned());
        damaged.extend(flipped(&reference, position));
        damaged.push([&reference[..position], &ticket[position.min(ticket.len())..]].concat());
    }
    damaged.retain(|damaged| damaged.trim() != reference);
    println!("{} damaged references", damaged.len());
    for (damaged, (offset, limit)) in damaged.iter().zip([(0, 1), (u64::MAX, u32::MAX), (0, 0)].into_iter().cycle()) {
        rejected(fixture.read(damaged, offset, limit).await, &[ErrorKind::InvalidTicket]);
    }
    assert!(fixture.simulator.calls().is_empty());
    let whole = fixture.read_all(&reference, u32::MAX).await;
    let size = whole.len() as u64;
    for (offset, limit) in
        [(0, 0), (size, 0), (size + 1, 1), (size + 1, u32::MAX), (u64::MAX - 1, 1), (u64::MAX, u32::MAX)]
    {
        rejected(fixture.read(&reference, offset, limit).await, &[ErrorKind::InvalidRequest]);
    }
    // Backwards, repeatedly, and at the very end.
    for offset in [size, size - 1, 0, size / 2, 0, size - 1, size] {
        let chunk = fixture.read(&reference, offset, u32::MAX).await.expect("a chunk");
        assert_eq!(chunk.bytes, whole[usize::try_from(offset).expect("small")..][..chunk.bytes.len()]);
        assert!(chunk.last || !chunk.bytes.is_empty());
    }
}
