//! Customer data requests.

use super::super::define::define_axes;

define_axes! {
    // Customer data requests: section 7. All of it is unconfirmed.

    /// How an export compares addresses.
    ExportCase {
        Ignored "export-case-ignored" "A customer data request ignores the case of addresses.",
        Exact "export-case-exact" "A customer data request respects the case of addresses.",
    }
    /// The body that submits a customer data request.
    ExportBody {
        Emails "export-body-emails" "A customer data request has `emails`, an array.",
        Email "export-body-email" "A customer data request has `email`, a string. Any other body causes 400.",
    }
    /// The name of the ID of a new customer data request.
    ExportId {
        CustomerDataRequestId "export-id-customer-data-request-id" "The ID of a new request is in `customerDataRequestId`.",
        RequestId "export-id-request-id" "The ID of a new request is in `requestId`.",
        RequestIdLower "export-id-requestid" "The ID of a new request is in `requestid`.",
        Id "export-id-id" "The ID of a new request is in `id`.",
        JobId "export-id-job-id" "The ID of a new request is in `jobId`.",
        ProgressId "export-id-progress-id" "The ID of a new request is in `progressId`.",
    }
    /// When a new customer data request can be polled.
    ExportLag {
        None "export-lag-none" "A new request can be polled immediately.",
        FirstLookUp "export-lag-first-look-up" "The first poll of a new request returns 404.",
    }
    /// The status of a request in progress, completed, and failed.
    ExportWords {
        Camel "export-words-camel" "The status of a request is `inProgress`, `complete` or `failed`.",
        Upper "export-words-upper" "The status of a request is `IN_PROGRESS`, `COMPLETE` or `FAILED`.",
        Snake "export-words-snake" "The status of a request is `in_progress`, `completed` or `error`.",
        Title "export-words-title" "The status of a request is `Queued`, `Done` or `Failure`.",
        Succeeded "export-words-succeeded" "The status of a request is `Running`, `Succeeded` or `Cancelled`.",
        Finished "export-words-finished" "The status of a request is `Processing`, `finished` or `Expired`.",
        Unheard "export-words-unheard" "The status of a request is `Simmering`, which is undocumented, `complete` or `failed`.",
    }
    /// The member `percentComplete`.
    ExportPercent {
        Number "export-percent-number" "`percentComplete` is a number from 0 to 100.",
        Fraction "export-percent-fraction" "`percentComplete` is a number with a fraction.",
        String "export-percent-string" "`percentComplete` is a string.",
        Absent "export-percent-absent" "There is no `percentComplete`.",
    }
    /// How a completed request lists its files.
    FileIds {
        FileId "file-ids-file-id" "`fileId` is the ID of the file. If there are several, `fileIds` has all IDs.",
        FileIds "file-ids-file-ids" "`fileIds` is an array of strings.",
        Strings "file-ids-files" "`files` is an array of strings.",
        ObjectsId "file-ids-files-id" "`files` is an array of objects with `id`.",
        ObjectsFileId "file-ids-files-file-id" "`files` is an array of objects with `fileId`.",
        ObjectsName "file-ids-files-name" "`files` is an array of objects with `name`, which is the file ID in the path.",
    }
    /// How many files a completed request has.
    FileCount {
        One "file-count-one" "One file has all the data.",
        Several "file-count-several" "The data is in three files.",
    }
    /// The files of a request that found nothing.
    NoData {
        NoFiles "no-data-no-files" "A request that found nothing has no files.",
        EmptyFile "no-data-empty-file" "A request that found nothing has a file without records. In JSON, it is `[]`.",
        Hollow "no-data-hollow-file" "A request that found nothing has a file without content: an archive without files, a gzip of nothing, an empty CSV. In JSON, it is `{\"responses\":[]}`.",
    }
    /// The format of a file.
    FileFormat {
        Json "file-format-json" "Files are JSON.",
        NdJson "file-format-ndjson" "Files are JSON, one object per line.",
        Csv "file-format-csv" "Files are CSV.",
        Zip "file-format-zip" "Files are ZIP archives with one JSON file.",
        ZipCsv "file-format-zip-csv" "Files are ZIP archives with one CSV file.",
        Gzip "file-format-gzip" "Files are JSON compressed with gzip.",
        OctetStream "file-format-octet-stream" "Files are JSON with the content type `application/octet-stream`.",
    }
    /// The framing of a file.
    FileTransfer {
        Length "file-transfer-length" "Files are sent with `Content-Length`.",
        Chunked "file-transfer-chunked" "Files are sent in chunks, without a length.",
    }
    /// The support for `Range`.
    FileRanges {
        Ignored "file-ranges-ignored" "`Range` is ignored. The response is 200 with the whole file.",
        Honoured "file-ranges" "`Range` is supported. The response is 206 with `Content-Range`.",
    }
    /// The media types that the file endpoint accepts in `Accept`.
    FileAccept {
        Anything "file-accept-anything" "The file endpoint ignores `Accept`.",
        OctetStream "file-accept-octet-stream" "The file endpoint returns 406 unless `Accept` allows `application/octet-stream`.",
    }
    /// The `Content-Disposition` of a file.
    FileName {
        None "file-name-none" "Files have no `Content-Disposition`.",
        Address "file-name-address" "`Content-Disposition` has a file name that contains the e-mail address of the data subject.",
    }
    /// How long files can be downloaded.
    FileExpiry {
        Never "file-expiry-never" "Files do not expire.",
        Hour "file-expiry-hour" "Files expire an hour after their request is completed.",
    }
}
