//! Users, directories and contacts.

use super::super::define::define_axes;

define_axes! {
    // Users: section 5.

    /// The user name of an account.
    UserName {
        Plain "user-name-plain" "User names are e-mail addresses.",
        Brand "user-name-brand" "User names are e-mail addresses followed by `#` and the brand ID.",
    }
    /// The e-mail address of an account.
    UserEmail {
        Present "user-email-present" "Users have an `email`.",
        Null "user-email-null" "`email` is null if the user name is the same address.",
    }

    // Directories: section 8.

    /// Whether the brand has XM Directory.
    XmDirectory {
        Licensed "xm-directory-licensed" "The brand has XM Directory.",
        EmptyList "xm-directory-empty-list" "The brand does not have XM Directory. Its list of directories is empty.",
        Status404 "xm-directory-404" "The brand does not have XM Directory. Its list of directories returns 404.",
        Status403 "xm-directory-403" "The brand does not have XM Directory. Its list of directories returns 403.",
    }
    /// The response to a search in an XMD Lite directory.
    LiteDirectory {
        Status400 "lite-directory-400" "A search in an XMD Lite directory returns 400.",
        Status403 "lite-directory-403" "A search in an XMD Lite directory returns 403.",
        Status404 "lite-directory-404" "A search in an XMD Lite directory returns 404.",
    }
    /// How a contact search compares texts.
    ContactSearch {
        IgnoresCase "contact-search-ignores-case" "A contact search ignores case.",
        Exact "contact-search-exact" "A contact search respects case.",
        Similar "contact-search-similar" "A contact search also finds addresses that differ in dots or in a tag, and telephone numbers with the same last seven digits.",
    }
    /// Members of a contact without a value.
    ContactNulls {
        Present "contact-nulls-present" "Members of a contact without a value are null.",
        Absent "contact-nulls-absent" "Members of a contact without a value are absent.",
    }
    /// The format of the timestamps of a single contact.
    ContactDates {
        EpochMillis "contact-dates-epoch-ms" "The timestamps of a single contact are milliseconds since 1970.",
        Iso "contact-dates-iso" "The timestamps of a single contact are ISO 8601.",
    }
    /// What an update of a contact does to the members that its body lacks.
    ContactPut {
        Merges "put-merges" "An update of a contact keeps the members that its body lacks.",
        Replaces "put-replaces" "An update of a contact clears the members that its body lacks.",
    }
    /// When a single contact shows an update.
    ContactLag {
        None "contact-lag-none" "A single contact shows an update at once.",
        Seconds "contact-lag-20-s" "A single contact shows an update after 20 seconds.",
    }
    /// Whether an update opts a contact out.
    OptOutMark {
        Set "opt-out-set" "An update with `unsubscribed` opts a contact out.",
        Ignored "opt-out-ignored" "An update ignores `unsubscribed`.",
    }
    /// A new contact with the e-mail address of another contact of the directory.
    DuplicateContacts {
        Merged "duplicate-contacts-merged" "A new contact with the address of another one updates that one, and has its ID.",
        Kept "duplicate-contacts-kept" "A new contact with the address of another one is a contact of its own.",
    }
    /// The types of history that a contact has.
    HistoryTypes {
        Both "history-types-both" "The history of a contact has the types `email` and `response`.",
        EmailOnly "history-type-email-only" "The history of a contact has the type `email`. Any other type causes 400.",
    }
    /// The largest page of a history or of transactions.
    HistoryPages {
        AsRequested "history-pages-as-requested" "A page of a history or of transactions is as large as requested.",
        Two "history-pages-of-two" "A page of a history or of transactions has at most two entries.",
    }
    /// Whom the entries of a history name.
    HistorySenders {
        Absent "history-senders-absent" "The entries of a history name nobody.",
        Named "history-senders-named" "The entries of a history name the user who sent the message.",
    }
}
