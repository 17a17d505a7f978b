//! What a call answers, laid out in memory as the canonical ABI of the component model has it.
//!
//! The bindings could do that, but would write it once for every function that returns a report, copy every value into
//! types of their own before, and free each on its own afterwards. Here each type stands once, with the names, the types
//! and the order of `wit/connector.wit`: a test compares them. Texts and bytes stay where they are.

use crate::connector::contract::{
    Amount, Capability, Chunk, Connection, Content, DeletionMode, Document, Error, ErrorKind, Finding, Gap, Identifier,
    Manifest, Outcome, Pending, Permission, Problem, Progress, RateLimit, Receipt, Remedy, Report, Right, Setting,
    SettingField, SettingKind, SourceState, Stage, VendorJob,
};
use crate::prelude::*;
use crate::secret::Secret;

/// The room that values of a type take.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    size: usize,
    /// A power of two, and at most that of a word.
    align: usize,
}

impl Layout {
    const NOTHING: Self = Self { size: 0, align: 1 };
    /// The case of a variant.
    const CASE: Self = Self { size: 1, align: 1 };

    /// Where a value begins that comes after `end`.
    const fn begin(self, end: usize) -> usize {
        let last = self.align.wrapping_sub(1);
        end.wrapping_add(last) & !last
    }

    /// One part after another.
    const fn sequence(mut parts: &[Self]) -> Self {
        let mut whole = Self::NOTHING;
        while let [part, rest @ ..] = parts {
            whole.size = part.begin(whole.size).wrapping_add(part.size);
            whole.align = if part.align > whole.align { part.align } else { whole.align };
            parts = rest;
        }
        Self { size: whole.begin(whole.size), ..whole }
    }

    /// One part in the place of another.
    const fn widest(mut parts: &[Self]) -> Self {
        let mut whole = Self::NOTHING;
        while let [part, rest @ ..] = parts {
            whole.size = if part.size > whole.size { part.size } else { whole.size };
            whole.align = if part.align > whole.align { part.align } else { whole.align };
            parts = rest;
        }
        whole
    }
}

/// The bytes of a word.
const WORD: usize = size_of::<u64>();

/// A piece of memory in which values lie, with the pieces that they refer to. It stays where it is until it is dropped.
pub(super) struct Area {
    /// Words, so that it begins where values of every alignment may. No number lies across two of them.
    words: Vec<u64>,
    /// Where the next value goes, in bytes.
    end: usize,
    lists: Vec<Self>,
}

impl Area {
    /// A value, laid out. Its texts and bytes are referred to, so that they have to stay where they are as long.
    pub(super) fn of<T: Lower>(value: &T) -> Self {
        let mut area = Self::with_room(T::LAYOUT.size);
        value.lower(&mut area);
        area
    }

    fn with_room(bytes: usize) -> Self {
        Self { words: vec![0; bytes.div_ceil(WORD)], end: 0, lists: Vec::new() }
    }

    /// Where it is.
    pub(super) const fn start(&self) -> *const u64 {
        self.words.as_ptr()
    }

    /// Adds a number of `size` bytes, which is aligned to as many.
    #[inline(never)]
    fn number(&mut self, size: usize, value: u64) {
        let at = Layout { size, align: size }.begin(self.end);
        if let Some(word) = self.words.get_mut(at / WORD) {
            *word |= value << (at % WORD).wrapping_mul(8);
        }
        self.end = at.wrapping_add(size);
    }

    /// Adds where a text or a list is, and how long.
    #[inline(never)]
    fn reference<T>(&mut self, start: *const T, length: usize) {
        self.number(size_of::<usize>(), start.addr() as u64);
        self.number(size_of::<usize>(), length as u64);
    }

    /// Adds which case of a variant it is; what the case holds comes next.
    #[inline(never)]
    fn case(&mut self, case: u64, payload: Layout) {
        self.number(Layout::CASE.size, case);
        self.end = payload.begin(self.end);
    }

    /// Adds what takes this room, whether it fills it or not.
    fn whole(&mut self, layout: Layout, lower: impl FnOnce(&mut Self)) {
        self.end = layout.begin(self.end);
        let end = self.end.wrapping_add(layout.size);
        lower(self);
        self.end = end;
    }
}

/// What can be laid out.
pub(super) trait Lower: Sized {
    const LAYOUT: Layout;

    fn lower(&self, area: &mut Area);

    /// Adds a list: its items lie in an area of their own.
    fn lower_list(items: &[Self], area: &mut Area) {
        let mut list = Area::with_room(Self::LAYOUT.size.saturating_mul(items.len()));
        for item in items {
            item.lower(&mut list);
        }
        area.reference(list.start(), items.len());
        // Many lists are empty, and these have no memory to keep.
        if !items.is_empty() {
            area.lists.push(list);
        }
    }
}

macro_rules! numbers {
    ($($type:ty),*) => {
        $(impl Lower for $type {
            const LAYOUT: Layout = Layout { size: size_of::<Self>(), align: size_of::<Self>() };

            fn lower(&self, area: &mut Area) {
                area.number(size_of::<Self>(), u64::from(*self));
            }

            /// Numbers lie in a list as the host wants them.
            fn lower_list(items: &[Self], area: &mut Area) {
                area.reference(items.as_ptr(), items.len());
            }
        })*
    };
}

macro_rules! record {
    ($name:ident { $($field:ident: $type:ty),* $(,)? }) => {
        impl Lower for $name {
            const LAYOUT: Layout = Layout::sequence(&[$(<$type>::LAYOUT),*]);

            fn lower(&self, area: &mut Area) {
                let Self { $($field),* } = self;
                area.whole(Self::LAYOUT, |area| {
                    $(<$type>::lower($field, area);)*
                });
            }
        }
    };
}

macro_rules! variant {
    ($name:ident$(<$($of:ident),*>)? { $($case:ident $(($($payload:ident: $type:ty),*))?),* $(,)? }) => {
        impl$(<$($of: Lower),*>)? Lower for $name$(<$($of),*>)? {
            const LAYOUT: Layout = Layout::sequence(&[
                Layout::CASE,
                Layout::widest(&[$(Layout::sequence(&[$($(<$type>::LAYOUT),*)?])),*]),
            ]);

            fn lower(&self, area: &mut Area) {
                enum Case { $($case),* }
                let payload = const { Layout::widest(&[$(Layout::sequence(&[$($(<$type>::LAYOUT),*)?])),*]) };
                area.whole(Self::LAYOUT, |area| match self {
                    $(Self::$case $(($($payload),*))? => {
                        area.case(Case::$case as u64, payload);
                        $($(<$type>::lower($payload, area);)*)?
                    })*
                });
            }
        }
    };
}

numbers!(bool, u8, u16, u32, u64);

impl Lower for () {
    const LAYOUT: Layout = Layout::NOTHING;

    fn lower(&self, _: &mut Area) {}
}

impl Lower for String {
    const LAYOUT: Layout = Layout { size: size_of::<[usize; 2]>(), align: size_of::<usize>() };

    fn lower(&self, area: &mut Area) {
        area.reference(self.as_ptr(), self.len());
    }
}

/// A text that is part of the component.
type Text = &'static str;

impl Lower for Text {
    const LAYOUT: Layout = String::LAYOUT;

    fn lower(&self, area: &mut Area) {
        area.reference(self.as_ptr(), self.len());
    }
}

impl Lower for Secret {
    const LAYOUT: Layout = String::LAYOUT;

    fn lower(&self, area: &mut Area) {
        area.reference(self.reveal().as_ptr(), self.reveal().len());
    }
}

impl<T: Lower> Lower for Vec<T> {
    const LAYOUT: Layout = String::LAYOUT;

    fn lower(&self, area: &mut Area) {
        T::lower_list(self, area);
    }
}

/// A list that is part of the component.
type List<T> = &'static [T];

impl<T: Lower> Lower for List<T> {
    const LAYOUT: Layout = String::LAYOUT;

    fn lower(&self, area: &mut Area) {
        T::lower_list(self, area);
    }
}

impl<T: Lower> Lower for Box<T> {
    const LAYOUT: Layout = T::LAYOUT;

    fn lower(&self, area: &mut Area) {
        T::lower(self, area);
    }
}

impl Lower for (Text, Text) {
    const LAYOUT: Layout = Layout::sequence(&[Text::LAYOUT, Text::LAYOUT]);

    fn lower(&self, area: &mut Area) {
        self.0.lower(area);
        self.1.lower(area);
    }
}

variant!(Option<T> { None, Some(value: T) });
variant!(Result<T, E> { Ok(value: T), Err(error: E) });

// The contract's types, in its order.

variant!(Identifier {
    Email(address: Secret),
    Phone(number: Secret),
    ExternalReference(id: Secret),
    Other(kind: Secret, value: Secret),
});
variant!(Right { Access, Deletion });
variant!(DeletionMode { Preview, Erase, EraseAndVerify });
variant!(Progress { Pending(pending: Pending), Done(report: Box<Report>) });
variant!(Stage { Resolving, Searching, Exporting, Gathering, Erasing, Verifying });
record!(Pending {
    ticket: String,
    stage: Stage,
    poll_after_ms: u64,
    submitted_at: Option<u64>,
    vendor_status: Option<String>,
    percent: Option<u8>,
    attention: Option<Problem>,
    extra: Vec<Setting>,
});
variant!(Outcome { Found, NothingFound, Partial, Previewed, Submitted, Erased, Verified, Residue, Refused, Failed });
record!(Finding {
    source: String,
    state: SourceState,
    amount: Amount,
    names: Vec<u32>,
    code: Option<Text>,
    note: Option<Text>,
});
variant!(SourceState { Searched, NotAvailable, NotPermitted, NotUsable, Guarded });
variant!(Amount { Nothing, Exactly(count: u64), SomeData, Unknown });
record!(Document { name: String, media_type: String, source: String, size: Option<u64>, content: Content });
variant!(Content { Inline(bytes: Vec<u8>), Remote(reference: String) });
record!(Chunk { bytes: Vec<u8>, last: bool });
record!(Gap { code: Text, description: Text, advice: Text });
record!(VendorJob {
    operation: Text,
    id: String,
    status: String,
    created: Option<String>,
    updated: Option<String>,
    failure: Option<String>,
});
record!(Receipt {
    connector: Text,
    request_key: String,
    mode: Option<DeletionMode>,
    jobs: Vec<VendorJob>,
    submitted_at: Option<u64>,
    finished_at: u64,
});
record!(Report {
    right: Right,
    outcome: Outcome,
    findings: Vec<Finding>,
    documents: Vec<Document>,
    also_known_as: Vec<Identifier>,
    gaps: Vec<Gap>,
    receipt: Receipt,
    ticket: Option<String>,
    extra: Vec<Setting>,
});
variant!(ErrorKind {
    NotConfigured,
    InvalidSettings,
    InvalidRequest,
    InvalidTicket,
    Unsupported,
    Unauthorized,
    Forbidden,
    RateLimited,
    Unavailable,
    OutcomeUnknown,
    UnknownJob,
    Protocol,
});
variant!(Remedy { Retry(after_ms: u64), Restart, Operator, GiveUp });
record!(Problem { code: Text, subject: String, blocks: Vec<Right>, message: String });
record!(Error {
    kind: ErrorKind,
    remedy: Remedy,
    message: String,
    problems: Vec<Problem>,
    http_status: Option<u16>,
    vendor_code: Option<String>,
    vendor_request_id: Option<String>,
    extra: Vec<Setting>,
});
record!(Setting { key: String, value: Secret });
variant!(SettingKind { Text, Secret, Choice, Flag, Number, Origin });
record!(SettingField {
    key: Text,
    label: Text,
    help: Text,
    kind: SettingKind,
    required: bool,
    default: Option<Text>,
    choices: List<(Text, Text)>,
});
record!(Permission { name: Text, needed_for: List<Right> });
record!(Capability {
    right: Right,
    asynchronous: bool,
    whole_record: bool,
    identifiers: List<Text>,
    overdue_after_ms: u64,
});
record!(RateLimit { name: Text, methods: Vec<Text>, path_prefix: Text, calls_per_minute: u32 });
record!(Manifest {
    name: Text,
    title: Text,
    version: Text,
    capabilities: List<Capability>,
    settings: List<SettingField>,
    permissions: Vec<Permission>,
    limits: Vec<RateLimit>,
    egress: List<Text>,
    gaps: Vec<Gap>,
    extra: Vec<Setting>,
});
record!(Connection {
    tenant: String,
    region: String,
    account: String,
    role: String,
    granted: Vec<String>,
    egress: Vec<String>,
    warnings: Vec<Problem>,
    extra: Vec<Setting>,
});
