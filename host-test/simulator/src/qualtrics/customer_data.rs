//! Customer data requests: the fact sheet, section 7.

use std::ops::Range;
use std::time::Duration;

use serde_json::{Value, json};

use super::dialects::{
    ExportBody, ExportId, ExportLag, ExportPercent, ExportRole, ExportWords, FileAccept, FileExpiry, FileIds, FileName,
    FileRanges, FileTransfer,
};
use super::endpoint::{resource_id, sub_resource_id};
use super::envelope::EndpointResult;
use super::export;
use super::jobs::{ExportJob, JobEnd, JobStatus};
use super::oauth::Role;
use super::state::State;
use crate::server::{Request, Response};

const SCOPES: &[&str] = &["manage:customer_data_requests"];

impl State {
    fn export_role(&self) -> Role {
        match self.dialects.export_role {
            ExportRole::Administrator => Role::Administrator,
            ExportRole::Any => Role::Any,
        }
    }

    /// `POST /customer-data-requests`
    pub(super) fn export_create(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, SCOPES, self.export_role())?;
        if !request.has_media_type("application/json") {
            return Err(self.error(415, "QVAL_2"));
        }
        let body = request.json().unwrap_or_default();
        let emails: Option<Vec<&str>> = match self.dialects.export_body {
            ExportBody::Emails => body["emails"].as_array().and_then(|all| all.iter().map(Value::as_str).collect()),
            ExportBody::Email => body["email"].as_str().map(|email| vec![email]),
        };
        let are_valid = |emails: &Vec<&str>| !emails.is_empty() && emails.iter().all(|email| email.contains('@'));
        let Some(emails) = emails.filter(are_valid) else {
            return Err(self.error(400, "QVAL_1"));
        };
        let job = ExportJob {
            id: format!("CDR_{}", self.uuid()),
            emails: emails.into_iter().map(str::to_owned).collect(),
            status: JobStatus::Pending,
            created: self.now(),
            due: self.schedule(self.export_duration),
            end: self.next_jobs,
            ended: Duration::ZERO,
            was_polled: false,
            files: Vec::new(),
        };
        let name = match self.dialects.export_id {
            ExportId::CustomerDataRequestId => "customerDataRequestId",
            ExportId::RequestId => "requestId",
            ExportId::RequestIdLower => "requestid",
            ExportId::Id => "id",
            ExportId::JobId => "jobId",
            ExportId::ProgressId => "progressId",
        };
        let mut result = json!({ "status": self.export_status(JobStatus::Pending) });
        result[name] = job.id.as_str().into();
        self.exports.push(job);
        Ok(self.success(result))
    }

    /// `GET /customer-data-requests/{id}`
    pub(super) fn export_progress(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, SCOPES, self.export_role())?;
        let Some(n) = self.exports.iter().rposition(|job| job.id == resource_id(request)) else {
            return Err(self.not_found("GED_3"));
        };
        let is_first = !std::mem::replace(&mut self.exports[n].was_polled, true);
        if is_first && self.dialects.export_lag == ExportLag::FirstLookUp {
            return Err(self.error(404, "GED_3"));
        }
        let now = self.now();
        let job = &self.exports[n];
        let percent = match (job.status, job.due) {
            (JobStatus::Completed, _) => 100.0,
            (JobStatus::Pending, Some(due)) => {
                let duration = due.saturating_sub(job.created).as_secs_f64();
                (now.saturating_sub(job.created).as_secs_f64() / duration * 100.0).min(99.0)
            }
            (JobStatus::Pending | JobStatus::Failed, _) => 0.0,
        };
        let mut result = json!({ "status": self.export_status(job.status) });
        match self.dialects.export_percent {
            ExportPercent::Number => result["percentComplete"] = (percent as u64).into(),
            ExportPercent::Fraction => result["percentComplete"] = percent.into(),
            ExportPercent::String => result["percentComplete"] = (percent as u64).to_string().into(),
            ExportPercent::Absent => {}
        }
        let ids: Vec<&str> = job.files.iter().map(|(id, _)| id.as_str()).collect();
        let objects = |member: &str| -> Value { ids.iter().map(|id| json!({ member: id, "size": null })).collect() };
        match self.dialects.file_ids {
            FileIds::FileId => {
                result["fileId"] = ids.first().copied().into();
                if ids.len() > 1 {
                    result["fileIds"] = ids.into();
                }
            }
            FileIds::FileIds => result["fileIds"] = ids.into(),
            FileIds::Strings => result["files"] = ids.into(),
            FileIds::ObjectsId => result["files"] = objects("id"),
            FileIds::ObjectsFileId => result["files"] = objects("fileId"),
            FileIds::ObjectsName => result["files"] = objects("name"),
        }
        Ok(self.success(result))
    }

    /// `GET /customer-data-requests/{id}/files/{id}`
    pub(super) fn export_file(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, SCOPES, self.export_role())?;
        let expired = |job: &ExportJob| {
            let age = self.now().saturating_sub(job.ended);
            self.dialects.file_expiry == FileExpiry::Hour && age >= Duration::from_secs(3600)
        };
        let job = self.exports.iter().rfind(|job| job.id == resource_id(request) && !expired(job));
        let found = job.and_then(|job| Some((job, job.files.iter().find(|(id, _)| id == sub_resource_id(request))?)));
        let Some((job, (id, file))) = found else {
            return Err(self.not_found("GED_3"));
        };
        let accepts =
            |accept: &str| ["*/*", "application/*", "application/octet-stream"].iter().any(|t| accept.contains(t));
        if self.dialects.file_accept == FileAccept::OctetStream && !request.header("accept").is_none_or(accepts) {
            return Err(self.error(406, "QVAL_3"));
        }
        let mut response = Response::with_content(200, file.media_type, file.content.clone());
        if self.dialects.file_ranges == FileRanges::Honoured {
            response = response
                .with_header("accept-ranges", "bytes")
                .with_header("etag", format!("\"{}\"", job.created.as_millis()));
            let len = file.content.len();
            match request.header("range").map(|range| parse_range(range, len)) {
                None | Some(RequestedRange::Ignored) => {}
                Some(RequestedRange::Part(part)) => {
                    let value = format!("bytes {}-{}/{len}", part.start, part.end - 1);
                    response.status = 206;
                    response.body = file.content.slice(part);
                    response = response.with_header("content-range", value);
                }
                Some(RequestedRange::Unsatisfiable) => {
                    let value = format!("bytes */{len}");
                    return Err(self.error(416, "QVAL_4").with_header("content-range", value));
                }
            }
        }
        response.is_chunked = self.dialects.file_transfer == FileTransfer::Chunked;
        if self.dialects.file_name == FileName::Address {
            let name = job.emails.first().map_or(id, |email| email);
            let value = format!("attachment; filename=\"{}.data\"", name.replace('"', ""));
            response = response.with_header("content-disposition", value);
        }
        Ok(response)
    }

    /// Ends a job that is due. Its files hold the data of this moment.
    pub(super) fn end_export(&mut self, n: usize, when: Duration) {
        let job = &self.exports[n];
        let (status, files) = match job.end {
            JobEnd::Fails => (JobStatus::Failed, Vec::new()),
            JobEnd::Completes | JobEnd::NeverEnds => {
                (JobStatus::Completed, export::files(&self.brand, &job.emails, &self.dialects))
            }
        };
        let ids: Vec<_> = (1..=files.len())
            .map(|n| match self.dialects.file_ids {
                FileIds::ObjectsName => format!("survey responses {n}.data"),
                FileIds::FileId | FileIds::FileIds | FileIds::Strings | FileIds::ObjectsId | FileIds::ObjectsFileId => {
                    format!("{}-file-{n}", self.uuid())
                }
            })
            .collect();
        let job = &mut self.exports[n];
        (job.status, job.ended) = (status, when);
        job.files = ids.into_iter().zip(files).collect();
    }

    fn export_status(&self, status: JobStatus) -> &'static str {
        let [pending, completed, failed] = match self.dialects.export_words {
            ExportWords::Camel => ["inProgress", "complete", "failed"],
            ExportWords::Upper => ["IN_PROGRESS", "COMPLETE", "FAILED"],
            ExportWords::Snake => ["in_progress", "completed", "error"],
            ExportWords::Title => ["Queued", "Done", "Failure"],
            ExportWords::Succeeded => ["Running", "Succeeded", "Cancelled"],
            ExportWords::Finished => ["Processing", "finished", "Expired"],
            ExportWords::Unheard => ["Simmering", "complete", "failed"],
        };
        match status {
            JobStatus::Pending => pending,
            JobStatus::Completed => completed,
            JobStatus::Failed => failed,
        }
    }
}

/// What a `Range` header requests.
enum RequestedRange {
    /// The header is not a single range of bytes.
    Ignored,
    Part(Range<u64>),
    Unsatisfiable,
}

/// Parses a `Range` header for a file of this length.
fn parse_range(range: &str, len: u64) -> RequestedRange {
    let Some((first, last)) = range.trim().strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return RequestedRange::Ignored;
    };
    let part = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => first..len.min(last.saturating_add(1)),
        (Ok(first), _) if last.is_empty() => first..len,
        (_, Ok(count)) if first.is_empty() => len.saturating_sub(count)..len,
        _ => return RequestedRange::Ignored,
    };
    if part.is_empty() { RequestedRange::Unsatisfiable } else { RequestedRange::Part(part) }
}
