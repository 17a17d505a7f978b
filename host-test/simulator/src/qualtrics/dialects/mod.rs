//! Dialects: the points of the API that are not confirmed, each with its possible variants.

mod axes;
mod data_axes;
mod define;

use std::fmt;

use rand::{RngExt, SeedableRng, rngs::SmallRng};

pub use axes::*;
pub use data_axes::*;
use define::{Axis, define_dialects};

define_dialects! {
    missing_scope: MissingScope,
    token_scope: TokenScope,
    token_members: TokenMembers,
    oauth_error: OauthError,
    oauth_status: OauthStatus,
    token_limit: TokenLimit,
    expired_token: ExpiredToken,
    wrong_datacenter: WrongDatacenter,
    not_administrator: NotAdministrator,
    export_role: ExportRole,
    whoami_scope: WhoamiScope,
    directories_scope: DirectoriesScope,
    whoami_datacenter: WhoamiDatacenter,
    administrator_type: AdministratorType,
    request_id: RequestId,
    http_status: HttpStatus,
    notice: Notice,
    error_envelope: ErrorEnvelope,
    not_found: NotFound,
    retry_after: RetryAfter,
    concurrency: Concurrency,
    dates: Dates,
    extra_members: ExtraMembers,
    content_type: ContentType,
    next_page: NextPage,
    last_page: LastPage,
    erasure_cursor: ErasureCursor,
    page_size: PageSize,
    user_name: UserName,
    user_email: UserEmail,
    search_only_default: SearchOnlyDefault,
    address_limit: AddressLimit,
    addresses_done: AddressesDone,
    address_case: AddressCase,
    email_list_case: EmailListCase,
    email_list: EmailList,
    early_erasure: EarlyErasure,
    erasure_done: ErasureDone,
    erasure_pending: ErasurePending,
    erasure_failed: ErasureFailed,
    erasure_order: ErasureOrder,
    erasure_at_work: ErasureAtWork,
    erasure_times: ErasureTimes,
    erasure_lag: ErasureLag,
    erasure_retention: ErasureRetention,
    erasure_id: ErasureId,
    emails_not_found: EmailsNotFound,
    search_only: SearchOnly,
    erasure_counters: ErasureCounters,
    export_body: ExportBody,
    export_id: ExportId,
    export_lag: ExportLag,
    export_words: ExportWords,
    export_percent: ExportPercent,
    file_ids: FileIds,
    file_count: FileCount,
    no_data: NoData,
    file_format: FileFormat,
    file_transfer: FileTransfer,
    file_ranges: FileRanges,
    file_accept: FileAccept,
    file_name: FileName,
    file_expiry: FileExpiry,
    xm_directory: XmDirectory,
    lite_directory: LiteDirectory,
    contact_nulls: ContactNulls,
    contact_dates: ContactDates,
    contact_put: ContactPut,
    duplicate_contacts: DuplicateContacts,
}

/// One possible variant of an unconfirmed point of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// The unconfirmed point: the name of a field of [`Dialects`]. A brand has one dialect of each axis.
    pub axis: &'static str,
    /// The name that [`Dialects::parse`] accepts. It is unique among all axes.
    pub name: &'static str,
    /// What Qualtrics does in this dialect.
    pub sentence: &'static str,
    /// Whether this is the default of its axis.
    pub default: bool,
}

/// Why a list of dialects is invalid. It contains the name as it was passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DialectError {
    /// There is no dialect with this name.
    Unknown(String),
    /// The list contains another dialect of the same axis.
    Contradiction(String),
}

impl Dialect {
    fn of_axis<A: Axis>() -> Vec<Self> {
        let dialects = A::DIALECTS.iter().enumerate();
        dialects.map(|(n, &(_, name, sentence))| Self { axis: A::FIELD, name, sentence, default: n == 0 }).collect()
    }
}

impl fmt::Display for DialectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => write!(f, "there is no dialect {name:?}"),
            Self::Contradiction(name) => write!(f, "dialect {name:?} contradicts another dialect of the list"),
        }
    }
}

impl std::error::Error for DialectError {}

impl Dialects {
    /// Parses names that are separated by commas and spaces. The other axes have their default.
    ///
    /// # Errors
    /// A name is unknown, or two names belong to the same axis.
    pub fn parse(names: &str) -> Result<Self, DialectError> {
        let mut dialects = Self::default();
        let mut axes = Vec::new();
        for name in names.split([',', ' ']).filter(|name| !name.is_empty()) {
            let axis = dialects.select(name).ok_or_else(|| DialectError::Unknown(name.to_owned()))?;
            if axes.contains(&axis) {
                return Err(DialectError::Contradiction(name.to_owned()));
            }
            axes.push(axis);
        }
        Ok(dialects)
    }
}

impl fmt::Display for Dialects {
    /// Writes the names that differ from the default. [`Dialects::parse`] makes the same value of them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let defaults = Self::default().names();
        let others: Vec<_> = self.names().into_iter().filter(|name| !defaults.contains(name)).collect();
        f.write_str(&others.join(","))
    }
}
