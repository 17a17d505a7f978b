//! Where the host's calls come in: what it hands over becomes the core's, and what the core answers is left for it to read.
//!
//! The functions, and the types of what is handed over, are those that the canonical ABI of the component model has for
//! `wit/connector.wit`: `wit-component` checks the ones, and the tests of the component every part of the others.
#![allow(unsafe_code)]

use core::any::Any;
use core::cell::Cell;
use core::mem::MaybeUninit;

use super::exports;
use super::lowering::{Area, Lower};
use crate::connector::contract::{DeletionMode, Identifier, Request, Right, Setting, Task};
use crate::prelude::*;
use crate::secret::Secret;

/// What only one thread can reach, since a component has no other.
pub(super) struct OnlyThread<T>(pub(super) T);

// SAFETY: nothing is shared between threads where there is one.
unsafe impl<T> Sync for OnlyThread<T> {}

/// An answer that the host has not yet read: how it lies in memory, and the value that this refers to.
struct Answer {
    _area: Area,
    _value: Box<dyn Any>,
}

static ANSWER: OnlyThread<Cell<Option<Answer>>> = OnlyThread(Cell::new(None));

/// Leaves a value for the host to read, and says where it lies.
fn leave<T: Lower + 'static>(value: T) -> *const u64 {
    let value = Box::new(value);
    let area = Area::of(&*value);
    let start = area.start();
    ANSWER.0.set(Some(Answer { _area: area, _value: value }));
    start
}

/// A list that the host handed over, or a text. None is made but by the host.
#[repr(C)]
struct Given<T> {
    start: *mut T,
    length: usize,
}

const fn given<T>(start: *mut T, length: usize) -> Given<T> {
    Given { start, length }
}

impl<T> Given<T> {
    fn items(self) -> Vec<T> {
        if self.length == 0 {
            return Vec::new();
        }
        // SAFETY: the host had `cabi_realloc` allocate this for exactly so many of these, wrote them there as the ABI lays
        // them out, and gave it away with the call. Whoever takes them takes the only way to them along.
        unsafe { Vec::from_raw_parts(self.start, self.length, self.length) }
    }

    fn list<U: From<T>>(self) -> Vec<U> {
        self.items().into_iter().map(U::from).collect()
    }
}

impl From<Given<u8>> for String {
    fn from(given: Given<u8>) -> Self {
        // SAFETY: the ABI has hosts hand over UTF-8, and nothing else, where the contract says `string`.
        unsafe { Self::from_utf8_unchecked(given.items()) }
    }
}

impl From<Given<u8>> for Secret {
    fn from(given: Given<u8>) -> Self {
        Self::new(given)
    }
}

/// `option<u64>`.
#[repr(C)]
struct GivenNumber {
    is_some: u8,
    value: MaybeUninit<u64>,
}

impl From<GivenNumber> for Option<u64> {
    fn from(given: GivenNumber) -> Self {
        // SAFETY: it is there where the case before it says so.
        (given.is_some == 1).then(|| unsafe { given.value.assume_init() })
    }
}

/// `setting`.
#[repr(C)]
struct GivenSetting {
    key: Given<u8>,
    value: Given<u8>,
}

impl From<GivenSetting> for Setting {
    fn from(given: GivenSetting) -> Self {
        Self { key: given.key.into(), value: given.value.into() }
    }
}

/// `identifier`.
#[repr(C)]
struct GivenIdentifier {
    case: u8,
    first: Given<u8>,
    second: MaybeUninit<Given<u8>>,
}

impl From<GivenIdentifier> for Identifier {
    fn from(given: GivenIdentifier) -> Self {
        let first = given.first.into();
        match given.case {
            0 => Self::Email(first),
            1 => Self::Phone(first),
            2 => Self::ExternalReference(first),
            // SAFETY: in the last case, and there alone, there are two.
            _ => Self::Other(first, unsafe { given.second.assume_init() }.into()),
        }
    }
}

/// `request`.
#[repr(C)]
struct GivenRequest {
    key: Given<u8>,
    subject: Given<GivenIdentifier>,
    first_attempt_at: GivenNumber,
    confirmed: Given<Given<u8>>,
    extra: Given<GivenSetting>,
}

impl From<GivenRequest> for Request {
    fn from(given: GivenRequest) -> Self {
        Self {
            key: given.key.into(),
            subject: given.subject.list(),
            first_attempt_at: given.first_attempt_at.into(),
            confirmed: given.confirmed.list(),
            extra: given.extra.list(),
        }
    }
}

/// `task`.
#[repr(C)]
struct GivenTask {
    request: GivenRequest,
    ticket: Given<u8>,
}

impl From<GivenTask> for Task {
    fn from(given: GivenTask) -> Self {
        Self { request: given.request.into(), ticket: given.ticket.into() }
    }
}

/// `right`, of which the host knows no third.
#[repr(transparent)]
struct GivenRight(u8);

impl From<GivenRight> for Right {
    fn from(given: GivenRight) -> Self {
        match given.0 {
            0 => Self::Access,
            _ => Self::Deletion,
        }
    }
}

/// `deletion-mode`. What none of them is must be none that deletes.
const fn mode(case: u32) -> DeletionMode {
    match case {
        1 => DeletionMode::Erase,
        2 => DeletionMode::EraseAndVerify,
        _ => DeletionMode::Preview,
    }
}

/// A function of the contract, and the one by which the host says that it has read the answer.
macro_rules! export {
    ($function:literal, ($($argument:ident: $type:ty),* $(,)?) => $answer:expr) => {
        const _: () = {
            #[unsafe(export_name = concat!("privacy:connector/connector@0.1.0#", $function))]
            #[allow(clippy::too_many_arguments, reason = "the ABI's, which has no records here")]
            extern "C" fn call($($argument: $type),*) -> *const u64 {
                let answer = $answer;
                leave(answer)
            }

            #[unsafe(export_name = concat!("cabi_post_privacy:connector/connector@0.1.0#", $function))]
            extern "C" fn was_read(_: *const u64) {
                ANSWER.0.set(None);
            }
        };
    };
}

/// The same, for functions whose first argument is a `request`: the ABI takes it apart.
macro_rules! export_of_request {
    ($function:literal, ($request:ident $(, $argument:ident: $type:ty)*) => $answer:expr) => {
        export!($function, (
            key: *mut u8,
            key_length: usize,
            subject: *mut GivenIdentifier,
            names: usize,
            is_again: u32,
            first_attempt_at: u64,
            confirmed: *mut Given<u8>,
            codes: usize,
            extra: *mut GivenSetting,
            extras: usize
            $(, $argument: $type)*
        ) => {
            let $request = Request {
                key: given(key, key_length).into(),
                subject: given(subject, names).list(),
                first_attempt_at: (is_again == 1).then_some(first_attempt_at),
                confirmed: given(confirmed, codes).list(),
                extra: given(extra, extras).list(),
            };
            $answer
        });
    };
}

export!("describe", () => exports::describe());
export!("configure", (settings: *mut GivenSetting, count: usize) => exports::configure(&given(settings, count).list()));
export!("check", (rights: *mut GivenRight, count: usize) => exports::check(&given(rights, count).list()));
export_of_request!("access", (request) => exports::access(&request));
export_of_request!("delete", (request, mode: u32) => exports::delete(&request, self::mode(mode)));
export!("poll", (tasks: *mut GivenTask, count: usize) => exports::poll(&given(tasks, count).list()));
export!("read", (reference: *mut u8, length: usize, offset: u64, limit: u32) => {
    exports::read(&String::from(given(reference, length)), offset, limit)
});
