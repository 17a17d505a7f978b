//! The files of a customer data request, in every format.

use serde_json::{Value, json};

use super::brand::{Brand, SameAddress, SurveyResponse, ignoring_case};
use super::dialects::{Dialects, ExportCase, FileCount, FileFormat, NoData};
use crate::server::{Content, LINE_LENGTH, checksum, gzip};

/// A file as the file endpoint sends it.
#[derive(Clone, Debug)]
pub struct ExportFile {
    /// The media type.
    pub media_type: &'static str,
    /// The bytes.
    pub content: Content,
}

/// The files with the data that a brand holds under these addresses.
pub(crate) fn files(brand: &Brand, emails: &[String], dialects: &Dialects) -> Vec<ExportFile> {
    let same: SameAddress = match dialects.export_case {
        ExportCase::Ignored => ignoring_case,
        ExportCase::Exact => |one, other| one == other,
    };
    let has_any = |response: &&SurveyResponse| emails.iter().any(|email| response.has_email(email, same));
    let responses: Vec<_> = brand.responses.iter().filter(has_any).collect();
    let generated = emails.iter().filter_map(|email| brand.export_sizes.get(&email.to_lowercase())).max().copied();
    let format = dialects.file_format;
    if responses.is_empty() && generated.is_none() {
        match dialects.no_data {
            NoData::NoFiles => return Vec::new(),
            NoData::Hollow => return vec![hollow(format)],
            NoData::EmptyFile => {}
        }
    }
    let count = match dialects.file_count {
        FileCount::One => 1,
        FileCount::Several => 3,
    };
    (0..count)
        .map(|n| {
            let share: Vec<_> = responses.iter().skip(n).step_by(count).copied().collect();
            let text = match generated {
                Some(bytes) if n == 0 => generated_text(format, bytes),
                _ => text(format, &share),
            };
            packed(format, text)
        })
        .collect()
}

/// The records of a file, before they are packed.
fn text(format: FileFormat, responses: &[&SurveyResponse]) -> Content {
    let records: Vec<Value> = responses.iter().map(|response| record(response)).collect();
    Content::from_bytes(match format {
        FileFormat::NdJson => records.iter().map(|record| format!("{record}\n")).collect(),
        FileFormat::Csv | FileFormat::ZipCsv => csv(responses),
        FileFormat::Json | FileFormat::Zip | FileFormat::Gzip | FileFormat::OctetStream => {
            Value::from(records).to_string()
        }
    })
}

fn record(response: &SurveyResponse) -> Value {
    json!({
        "responseId": response.id,
        "surveyId": response.survey,
        "recipientEmail": response.email,
        "recordedDate": response.recorded * 1000,
        "values": response.answers,
    })
}

fn csv(responses: &[&SurveyResponse]) -> String {
    let mut csv = "responseId,surveyId,recipientEmail,question,answer\r\n".to_owned();
    for response in responses {
        for (question, answer) in &response.answers {
            let cells =
                [&response.id, &response.survey, response.email.as_deref().unwrap_or_default(), question, answer];
            let cells = cells.map(|cell| format!("\"{}\"", cell.replace('"', "\"\"")));
            csv.push_str(&cells.join(","));
            csv.push_str("\r\n");
        }
    }
    csv
}

/// Numbered records: at least this many bytes, and fewer than two lines more.
fn generated_text(format: FileFormat, bytes: u64) -> Content {
    let (head, before, after, last): (_, &'static str, &'static str, _) = match format {
        FileFormat::NdJson => ("", "{\"responseId\":\"R_", "\"}\n", ""),
        FileFormat::Csv | FileFormat::ZipCsv => ("responseId\r\n", "\"R_", "\"\r\n", ""),
        FileFormat::Json | FileFormat::Zip | FileFormat::Gzip | FileFormat::OctetStream => {
            ("[", "{\"responseId\":\"R_", "\"},\n", "{\"responseId\":\"R_last\"}]")
        }
    };
    let (head, last) = (Content::from_bytes(head), Content::from_bytes(last));
    let count = bytes.saturating_sub(head.len() + last.len()).div_ceil(LINE_LENGTH).max(1);
    head.followed_by(&Content::numbered_lines(before, after, count)).followed_by(&last)
}

fn packed(format: FileFormat, text: Content) -> ExportFile {
    match format {
        FileFormat::Json => ExportFile { media_type: "application/json", content: text },
        FileFormat::NdJson => ExportFile { media_type: "application/x-ndjson", content: text },
        FileFormat::Csv => ExportFile { media_type: "text/csv", content: text },
        FileFormat::OctetStream => ExportFile { media_type: "application/octet-stream", content: text },
        FileFormat::Zip => ExportFile { media_type: "application/zip", content: zip("responses.json", &text) },
        FileFormat::ZipCsv => ExportFile { media_type: "application/zip", content: zip("responses.csv", &text) },
        FileFormat::Gzip => ExportFile { media_type: "application/gzip", content: gzip(&text) },
    }
}

/// A file without content.
fn hollow(format: FileFormat) -> ExportFile {
    match format {
        FileFormat::Json | FileFormat::OctetStream => packed(format, Content::from_bytes("{\"responses\":[]}")),
        FileFormat::NdJson | FileFormat::Csv | FileFormat::Gzip => packed(format, Content::default()),
        FileFormat::Zip | FileFormat::ZipCsv => {
            let content = Content::from_bytes([&b"PK\x05\x06"[..], &[0; 18]].concat());
            ExportFile { media_type: "application/zip", content }
        }
    }
}

/// A ZIP archive of one uncompressed file. Its bytes can be computed from any offset.
fn zip(name: &str, text: &Content) -> Content {
    let name = name.as_bytes();
    let size = u32::try_from(text.len()).expect("an archive without ZIP64 holds less than 4 GiB");
    // The fields that the local header shares with the central directory: version 2.0, no flags, stored, 1980-01-01,
    // checksum, sizes, length of the name.
    let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
    for number in [checksum(text), size, size] {
        common.extend(number.to_le_bytes());
    }
    common.extend([name.len() as u8, 0, 0, 0]);
    let local = [b"PK\x03\x04", &common[..], name].concat();
    // The offset of the file is 0.
    let central = [b"PK\x01\x02\x14\0", &common[..], &[0; 14], name].concat();
    let offset = local.len() as u32 + size;
    let end = [
        b"PK\x05\x06\0\0\0\0\x01\0\x01\0",
        &(central.len() as u32).to_le_bytes()[..],
        &offset.to_le_bytes()[..],
        &[0; 2],
    ];
    let directory = [&central[..], &end.concat()].concat();
    Content::from_bytes(local).followed_by(text).followed_by(&Content::from_bytes(directory))
}
