//! The axes, in the order of the fact sheet. The dialects of each are in the module of its subject; the first is its default.

mod directories;
mod envelope;
mod erasures;
mod exports;
mod lists;
mod tokens;

use rand::{RngExt, SeedableRng, rngs::SmallRng};

use super::Dialect;
use super::define::{Axis, define_dialects, name_of};

pub use directories::*;
pub use envelope::*;
pub use erasures::*;
pub use exports::*;
pub use lists::*;
pub use tokens::*;

define_dialects! {
    // Access tokens: section 2.
    missing_scope: MissingScope,
    token_scope: TokenScope,
    token_members: TokenMembers,
    oauth_error: OauthError,
    oauth_status: OauthStatus,
    token_limit: TokenLimit,
    expired_token: ExpiredToken,
    wrong_datacenter: WrongDatacenter,

    // Roles and scopes: sections 2 and 3.2.
    not_administrator: NotAdministrator,
    export_role: ExportRole,
    whoami_scope: WhoamiScope,
    directories_scope: DirectoriesScope,
    whoami_datacenter: WhoamiDatacenter,
    administrator_type: AdministratorType,

    // Envelope, errors and limits: section 3.
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

    // Lists.
    next_page: NextPage,
    last_page: LastPage,
    erasure_cursor: ErasureCursor,
    search_cursor: SearchCursor,
    page_size: PageSize,

    // Users: section 5.
    user_name: UserName,
    user_email: UserEmail,

    // Erasure: section 6.
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

    // Customer data requests: section 7. All of it is unconfirmed.
    export_case: ExportCase,
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

    // Directories: section 8.
    xm_directory: XmDirectory,
    lite_directory: LiteDirectory,
    contact_search: ContactSearch,
    contact_nulls: ContactNulls,
    contact_dates: ContactDates,
    contact_put: ContactPut,
    duplicate_contacts: DuplicateContacts,
    history_types: HistoryTypes,
    history_pages: HistoryPages,
    history_senders: HistorySenders,
    contact_lag: ContactLag,
    opt_out_mark: OptOutMark,
}
