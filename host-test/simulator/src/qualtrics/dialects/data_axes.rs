//! The axes of customer data requests, directories and contacts, in the order of the fact sheet. The first dialect of an axis is its
//! default.

use super::define::define_axes;

define_axes! {
    // Customer data requests: section 7. All of it is unconfirmed.

    /// The body that submits a customer data request.
    export_body: ExportBody {
        Emails "export-body-emails" "A customer data request has `emails`, an array.",
        Email "export-body-email" "A customer data request has `email`, a string. Any other body causes 400.",
    }
    /// The name of the ID of a new customer data request.
    export_id: ExportId {
        CustomerDataRequestId "export-id-customer-data-request-id" "The ID of a new request is in `customerDataRequestId`.",
        RequestId "export-id-request-id" "The ID of a new request is in `requestId`.",
        RequestIdLower "export-id-requestid" "The ID of a new request is in `requestid`.",
        Id "export-id-id" "The ID of a new request is in `id`.",
        JobId "export-id-job-id" "The ID of a new request is in `jobId`.",
        ProgressId "export-id-progress-id" "The ID of a new request is in `progressId`.",
    }
    /// When a new customer data request can be polled.
    export_lag: ExportLag {
        None "export-lag-none" "A new request can be polled immediately.",
        FirstLookUp "export-lag-first-look-up" "The first poll of a new request returns 404.",
    }
    /// The status of a request in progress, completed, and failed.
    export_words: ExportWords {
        Camel "export-words-camel" "The status of a request is `inProgress`, `complete` or `failed`.",
        Upper "export-words-upper" "The status of a request is `IN_PROGRESS`, `COMPLETE` or `FAILED`.",
        Snake "export-words-snake" "The status of a request is `in_progress`, `completed` or `error`.",
        Title "export-words-title" "The status of a request is `Queued`, `Done` or `Failure`.",
        Succeeded "export-words-succeeded" "The status of a request is `Running`, `Succeeded` or `Cancelled`.",
        Finished "export-words-finished" "The status of a request is `Processing`, `finished` or `Expired`.",
        Unheard "export-words-unheard" "The status of a request is `Simmering`, which is undocumented, `complete` or `failed`.",
    }
    /// The member `percentComplete`.
    export_percent: ExportPercent {
        Number "export-percent-number" "`percentComplete` is a number from 0 to 100.",
        Fraction "export-percent-fraction" "`percentComplete` is a number with a fraction.",
        String "export-percent-string" "`percentComplete` is a string.",
        Absent "export-percent-absent" "There is no `percentComplete`.",
    }
    /// How a completed request lists its files.
    file_ids: FileIds {
        FileId "file-ids-file-id" "`fileId` is the ID of the file. If there are several, `fileIds` has all IDs.",
        FileIds "file-ids-file-ids" "`fileIds` is an array of strings.",
        Strings "file-ids-files" "`files` is an array of strings.",
        ObjectsId "file-ids-files-id" "`files` is an array of objects with `id`.",
        ObjectsFileId "file-ids-files-file-id" "`files` is an array of objects with `fileId`.",
        ObjectsName "file-ids-files-name" "`files` is an array of objects with `name`, which is the file ID in the path.",
    }
    /// How many files a completed request has.
    file_count: FileCount {
        One "file-count-one" "One file has all the data.",
        Several "file-count-several" "The data is in three files.",
    }
    /// The files of a request that found nothing.
    no_data: NoData {
        NoFiles "no-data-no-files" "A request that found nothing has no files.",
        EmptyFile "no-data-empty-file" "A request that found nothing has a file without records. In JSON, it is `[]`.",
    }
    /// The format of a file.
    file_format: FileFormat {
        Json "file-format-json" "Files are JSON.",
        NdJson "file-format-ndjson" "Files are JSON, one object per line.",
        Csv "file-format-csv" "Files are CSV.",
        Zip "file-format-zip" "Files are ZIP archives with one JSON file.",
        Gzip "file-format-gzip" "Files are JSON compressed with gzip.",
        OctetStream "file-format-octet-stream" "Files are JSON with the content type `application/octet-stream`.",
    }
    /// The framing of a file.
    file_transfer: FileTransfer {
        Length "file-transfer-length" "Files are sent with `Content-Length`.",
        Chunked "file-transfer-chunked" "Files are sent in chunks, without a length.",
    }
    /// The support for `Range`.
    file_ranges: FileRanges {
        Ignored "file-ranges-ignored" "`Range` is ignored. The response is 200 with the whole file.",
        Honoured "file-ranges" "`Range` is supported. The response is 206 with `Content-Range`.",
    }
    /// The media types that the file endpoint accepts in `Accept`.
    file_accept: FileAccept {
        Anything "file-accept-anything" "The file endpoint ignores `Accept`.",
        OctetStream "file-accept-octet-stream" "The file endpoint returns 406 unless `Accept` allows `application/octet-stream`.",
    }
    /// The `Content-Disposition` of a file.
    file_name: FileName {
        None "file-name-none" "Files have no `Content-Disposition`.",
        Address "file-name-address" "`Content-Disposition` has a file name that contains the e-mail address of the data subject.",
    }
    /// How long files can be downloaded.
    file_expiry: FileExpiry {
        Never "file-expiry-never" "Files do not expire.",
        Hour "file-expiry-hour" "Files expire an hour after their request is completed.",
    }

    // Directories: section 8.

    /// Whether the brand has XM Directory.
    xm_directory: XmDirectory {
        Licensed "xm-directory-licensed" "The brand has XM Directory.",
        EmptyList "xm-directory-empty-list" "The brand does not have XM Directory. Its list of directories is empty.",
        Status404 "xm-directory-404" "The brand does not have XM Directory. Its list of directories returns 404.",
        Status403 "xm-directory-403" "The brand does not have XM Directory. Its list of directories returns 403.",
    }
    /// The response to a search in an XMD Lite directory.
    lite_directory: LiteDirectory {
        Status400 "lite-directory-400" "A search in an XMD Lite directory returns 400.",
        Status403 "lite-directory-403" "A search in an XMD Lite directory returns 403.",
        Status404 "lite-directory-404" "A search in an XMD Lite directory returns 404.",
    }
    /// Members of a contact without a value.
    contact_nulls: ContactNulls {
        Present "contact-nulls-present" "Members of a contact without a value are null.",
        Absent "contact-nulls-absent" "Members of a contact without a value are absent.",
    }
    /// The format of the timestamps of a single contact.
    contact_dates: ContactDates {
        EpochMillis "contact-dates-epoch-ms" "The timestamps of a single contact are milliseconds since 1970.",
        Iso "contact-dates-iso" "The timestamps of a single contact are ISO 8601.",
    }
    /// What an update of a contact does to the members that its body lacks.
    contact_put: ContactPut {
        Merges "put-merges" "An update of a contact keeps the members that its body lacks.",
        Replaces "put-replaces" "An update of a contact clears the members that its body lacks.",
    }
    /// A new contact with the e-mail address of another contact of the directory.
    duplicate_contacts: DuplicateContacts {
        Merged "duplicate-contacts-merged" "A new contact with the address of another one updates that one, and has its ID.",
        Kept "duplicate-contacts-kept" "A new contact with the address of another one is a contact of its own.",
    }
}
