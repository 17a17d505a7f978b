//! Erasures.

use super::super::define::define_axes;

define_axes! {
    // Erasure: section 6.

    /// The default of `searchOnly`.
    SearchOnlyDefault {
        Erase "search-only-omitted-erases" "A request without `searchOnly` erases.",
        Search "search-only-omitted-searches" "A request without `searchOnly` only searches.",
    }
    /// How many addresses a request may have.
    AddressLimit {
        None "address-limit-none" "An erasure request may have any number of addresses.",
        FiveHundred "address-limit-500" "An erasure request with more than 500 addresses causes 400.",
    }
    /// Which addresses of a request are processed.
    AddressesDone {
        All "addresses-done-all" "An erasure processes every address of the request.",
        First "addresses-done-first" "An erasure processes only the first address of the request.",
    }
    /// How an erasure compares addresses.
    AddressCase {
        Ignored "address-case-ignored" "An erasure ignores the case of addresses.",
        Exact "address-case-exact" "An erasure respects the case of addresses.",
    }
    /// The case of the addresses in `emailList`.
    EmailListCase {
        AsSent "email-list-as-sent" "`emailList` has the addresses as they were sent.",
        Lower "email-list-lower-case" "`emailList` has the addresses in lower case.",
    }
    /// The addresses in `emailList`.
    EmailList {
        Whole "email-list-whole" "`emailList` has every address.",
        First "email-list-first" "`emailList` has only the first address.",
        Masked "email-list-masked" "`emailList` has masked addresses, like `a***@example.org`.",
        Letters "email-list-letters" "`emailList` has addresses that are masked with letters, like `axxx@example.org`.",
        Objects "email-list-objects" "`emailList` has objects with `email`.",
        Hashed "email-list-hashed" "`emailList` has SHA-256 hashes of the addresses.",
    }
    /// The response to a look-up by ID before the job is completed.
    EarlyErasure {
        Status404 "early-erasure-404" "The look-up of an erasure by ID returns 404 until the job is completed.",
        Status400 "early-erasure-400" "The look-up of an erasure by ID returns 400 until the job is completed.",
        Status409 "early-erasure-409" "The look-up of an erasure by ID returns 409 until the job is completed.",
        Status500 "early-erasure-500" "The look-up of an erasure by ID returns 500 until the job is completed.",
        Status200 "early-erasure-200" "The look-up of an erasure by ID works from the start.",
    }
    /// The status of a completed erasure.
    ErasureDone {
        Completed "erasure-done-completed" "The status of a completed erasure is `Completed`.",
        CompletedLower "erasure-done-completed-lower" "The status of a completed erasure is `completed`.",
        CompleteUpper "erasure-done-complete-upper" "The status of a completed erasure is `COMPLETE`.",
        Done "erasure-done-done" "The status of a completed erasure is `Done`.",
        Success "erasure-done-success" "The status of a completed erasure is `Success`.",
        Succeeded "erasure-done-succeeded" "The status of a completed erasure is `Succeeded`.",
        Finished "erasure-done-finished" "The status of a completed erasure is `Finished`.",
    }
    /// The status of an erasure in progress.
    ErasurePending {
        Pending "erasure-pending-pending" "The status of an erasure in progress is `Pending`.",
        Queued "erasure-pending-queued" "The status of an erasure in progress is `Queued`.",
        InProgress "erasure-pending-in-progress" "The status of an erasure in progress is `In Progress`.",
        InProgressCamel "erasure-pending-in-progress-camel" "The status of an erasure in progress is `inProgress`.",
        Running "erasure-pending-running" "The status of an erasure in progress is `Running`.",
        Null "erasure-pending-null" "The status of an erasure in progress is null.",
        Number "erasure-pending-number" "The status of an erasure in progress is the number 1.",
    }
    /// The status of a failed erasure.
    ErasureFailed {
        Failed "erasure-failed-failed" "The status of a failed erasure is `Failed`.",
        Failure "erasure-failed-failure" "The status of a failed erasure is `FAILURE`.",
        Error "erasure-failed-error" "The status of a failed erasure is `error`.",
        Cancelled "erasure-failed-cancelled" "The status of a failed erasure is `Cancelled`.",
        Rejected "erasure-failed-rejected" "The status of a failed erasure is `Rejected`.",
        Reason "erasure-failed-reason-only" "The status of a failed erasure is `Ended`. Only `failureReason` shows the failure.",
    }
    /// The order of the erasure list.
    ErasureOrder {
        NewestFirst "erasure-list-newest-first" "The erasure list starts with the newest job.",
        OldestFirst "erasure-list-oldest-first" "The erasure list starts with the oldest job.",
    }
    /// The members of an erasure in progress in the list.
    ErasureAtWork {
        Whole "erasure-at-work-whole" "The list has every member of an erasure in progress.",
        NoAddresses "erasure-at-work-no-addresses" "The list has no `emailList` for an erasure in progress.",
        Sparse "erasure-at-work-sparse" "The list has only ID, status and `created` of an erasure in progress.",
    }
    /// The timestamps of a completed erasure.
    ErasureTimes {
        Told "erasure-times-told" "A completed erasure has `created` and `updated`.",
        Hidden "erasure-times-hidden" "`created` and `updated` of a completed erasure are null.",
    }
    /// When a new erasure appears in the list.
    ErasureLag {
        None "erasure-lag-none" "A new erasure is in the list immediately.",
        Seconds20 "erasure-lag-20-s" "A new erasure appears in the list after 20 seconds.",
    }
    /// How long the list keeps an erasure.
    ErasureRetention {
        Ever "erasure-retention-ever" "The erasure list keeps all jobs.",
        Days30 "erasure-retention-30-days" "The erasure list drops a job 30 days after its end. The look-up by ID still works.",
    }
    /// The name of the ID of an erasure.
    ErasureId {
        Lower "erasure-id-requestid" "The list and the look-up have the ID in `requestid`.",
        Camel "erasure-id-request-id" "The list and the look-up have the ID in `requestId`.",
        Id "erasure-id-id" "The list and the look-up have the ID in `id`.",
        Other "erasure-id-other" "The list and the look-up have the ID in `key`, which is undocumented.",
    }
    /// The member `emailsNotFound`.
    EmailsNotFound {
        Array "emails-not-found-array" "`emailsNotFound` is an array of addresses.",
        Number "emails-not-found-number" "`emailsNotFound` is a number.",
        String "emails-not-found-string" "`emailsNotFound` is a string of addresses separated by commas, empty if there are none.",
        Null "emails-not-found-null" "`emailsNotFound` is null.",
        Masked "emails-not-found-masked" "`emailsNotFound` is an array of masked addresses.",
    }
    /// The member `searchOnly`.
    SearchOnly {
        Bool "search-only-bool" "`searchOnly` is returned as a boolean.",
        String "search-only-string" "`searchOnly` is returned as a string.",
    }
    /// The counts of what an erasure found.
    ErasureCounters {
        Absent "erasure-counters-absent" "An erasure has no counts.",
        Members "erasure-counters-members" "A completed erasure has `responses`, `contacts`, `users` and other counts as members.",
        Nested "erasure-counters-nested" "A completed erasure has these counts in an object `summary`.",
    }
}
