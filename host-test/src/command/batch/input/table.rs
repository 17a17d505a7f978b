//! The rows of a CSV file.

use csv::{ReaderBuilder, StringRecord};
use serde::Deserialize;

/// The columns; the first two are required.
pub(super) const COLUMNS: [&str; 7] = ["id", "right", "mode", "email", "phone", "external-id", "overrides"];

/// What may separate columns.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// The fields of a row, without surrounding blanks. Semicolons separate several values of one field.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct Fields {
    pub(super) id: String,
    pub(super) right: String,
    pub(super) mode: String,
    pub(super) email: String,
    pub(super) phone: String,
    pub(super) external_id: String,
    pub(super) overrides: String,
}

/// A row with its line number in the file, and its fields or what is wrong with them.
pub(super) type Row = (u64, Result<Fields, String>);

/// Parses the rows below the header, without those whose fields are all empty.
///
/// # Errors
/// The header is wrong. Neither this message nor that of a row repeats a value.
pub(super) fn parse(text: &str) -> Result<Vec<Row>, String> {
    let mut found = SEPARATORS.into_iter().filter_map(|separator| {
        let (_, columns) = records(text, separator).next()?.ok()?;
        let columns: StringRecord = columns.iter().map(|name| name.trim().to_ascii_lowercase()).collect();
        // A wrong separator leaves the line in one piece, so that it does not have both.
        COLUMNS[..2].iter().all(|name| columns.iter().any(|column| column == *name)).then_some((separator, columns))
    });
    let Some((separator, columns)) = found.next() else {
        let optional = COLUMNS[2..].join(", ");
        return Err(format!(
            "must name its columns in the first line, separated by commas, semicolons or tabs: id, right, and any of {optional}"
        ));
    };
    check_columns(&columns)?;
    let rows = records(text, separator).skip(1);
    let rows = rows.map(|row| row.map(|(number, record)| (number, fields(&record, &columns))));
    rows.collect::<Result<_, _>>().map_err(|_| "is not readable as CSV".to_owned())
}

/// The records that have a value, with their line numbers.
fn records(text: &str, separator: u8) -> impl Iterator<Item = Result<(u64, StringRecord), csv::Error>> {
    let mut builder = ReaderBuilder::new();
    builder.delimiter(separator).has_headers(false).flexible(true);
    let numbered = builder.from_reader(text.as_bytes()).into_records().map(|record| {
        let record = record?;
        let (at, line) = record.position().map_or((0, 0), |position| (position.byte(), position.line()));
        // The position of a record is that of the empty lines before it.
        let rest = usize::try_from(at).ok().and_then(|at| text.as_bytes().get(at..)).unwrap_or_default();
        Ok((line + rest.iter().take_while(|byte| **byte == b'\n').count() as u64, record))
    });
    let has_value = |record: &StringRecord| record.iter().any(|field| !field.trim().is_empty());
    numbered.filter(move |row| row.as_ref().map_or(true, |(_, record)| has_value(record)))
}

/// Every column must be known, and named once.
fn check_columns(columns: &StringRecord) -> Result<(), String> {
    for (index, column) in columns.iter().enumerate() {
        let number = index + 1;
        if !COLUMNS.contains(&column) {
            let known = COLUMNS.join(", ");
            return Err(format!(
                "has an unknown name in column {number} of its first line: use one separator throughout, and the names {known}"
            ));
        }
        if columns.iter().filter(|other| *other == column).count() > 1 {
            return Err(format!("names the column {column} more than once in its first line: remove all but one"));
        }
    }
    Ok(())
}

fn fields(record: &StringRecord, columns: &StringRecord) -> Result<Fields, String> {
    // After a missing quotation mark, a field goes on over the next lines: their requests would be lost.
    if record.iter().any(|field| field.trim_end().contains('\n')) {
        return Err(
            "a field goes over several lines: remove the line break, or add the missing quotation mark".to_owned()
        );
    }
    // Such a quotation mark does not quote, and would become part of an identifier.
    if record.iter().any(|field| field.starts_with(char::is_whitespace) && field.trim_start().starts_with('"')) {
        return Err("a field has blanks before its quotation mark: remove them".to_owned());
    }
    if record.len() != columns.len() {
        return Err(format!("{} columns instead of {}", record.len(), columns.len()));
    }
    let trimmed: StringRecord = record.iter().map(str::trim).collect();
    trimmed.deserialize(Some(columns)).map_err(|_| "not readable".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, email: &str) -> Fields {
        Fields { id: id.to_owned(), right: "access".to_owned(), email: email.to_owned(), ..Fields::default() }
    }

    #[test]
    fn commas_semicolons_and_tabs_are_recognised_from_the_header() {
        for text in [
            "id,right,email\nr-1,access,a@b.c;d@e.f\n",
            "id;right;email\nr-1;access;\"a@b.c;d@e.f\"\n",
            "id\tright\temail\nr-1\taccess\ta@b.c;d@e.f\n",
        ] {
            assert_eq!(parse(text), Ok(vec![(2, Ok(row("r-1", "a@b.c;d@e.f")))]), "{text}");
        }
    }

    #[test]
    fn names_of_columns_are_compared_without_case_and_blanks() {
        let rows = parse("\u{a0}ID ,\"Right\",EMAIL\t\nr-1,access,a@b.c").expect("rows");
        assert_eq!(rows, [(2, Ok(row("r-1", "a@b.c")))]);
    }

    #[test]
    fn a_wrong_header_is_refused_with_what_is_wrong() {
        for (text, message) in [
            ("", "must name its columns in the first line"),
            ("\n,,,\n", "must name its columns in the first line"),
            ("r-1,access,secret@b.c\n", "must name its columns in the first line"),
            ("id|right|email\n", "must name its columns in the first line"),
            ("id;right,email\n", "must name its columns in the first line"),
            ("id,right,mode;email\n", "has an unknown name in column 3"),
            ("id;right;;email\n", "has an unknown name in column 3"),
            ("id,right,E-mail\n", "has an unknown name in column 3"),
            ("id,right,email,Email\n", "names the column email more than once"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.contains(message) && !error.contains("secret"), "{text}: {error}");
        }
    }

    #[test]
    fn rows_of_empty_fields_are_skipped_and_line_numbers_stay_those_of_the_file() {
        let text = format!(
            ",,\nid,right,email\n{}\n\n  \nr-1,access,a@b.c\n\n\n , \t ,\u{a0}\n,,,,,,,,\n\"\",\" \",\nr-2,access,d@e.f\n\n\nr-3\n",
            ",,\n".repeat(1_000)
        );
        let rows = parse(&text).expect("rows");
        let numbers: Vec<u64> = rows.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [1_006, 1_012, 1_015]);
        let ids: Vec<_> = rows.iter().map(|(_, fields)| fields.as_ref().map(|fields| fields.id.as_str())).collect();
        assert_eq!(ids, [Ok("r-1"), Ok("r-2"), Err(&"1 columns instead of 3".to_owned())]);
        for (text, number) in [("id;right\n;;;\n;\nr-1;access", 4), ("id\tright\n\t\t\t\n\t\nr-1\taccess", 4)] {
            assert_eq!(parse(text).expect(text)[0].0, number, "{text}");
        }
    }

    #[test]
    fn quoted_fields_may_hold_separators_and_quotation_marks_but_no_line_breaks() {
        let rows = parse("id,right,external-id\nr-1,access,\"no, such \"\"one\"\"\"\n").expect("rows");
        assert_eq!(rows[0].1.as_ref().expect("fields").external_id, "no, such \"one\"");
        // The quotation mark in line 2 is not closed before line 3: the request of that line must not be lost.
        for start in ["x;", ""] {
            let text = format!("id,right,external-id\nr-1,access,\"{start}\nr-2,access,y\"\nr-3,access,z\n");
            let rows = parse(&text).expect("rows");
            assert_eq!(rows.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [2, 4]);
            assert!(rows[0].1.as_ref().is_err_and(|error| error.contains("over several lines")), "{rows:?}");
        }
        let rows = parse("id,right,external-id\nr-1,access, \"x\"\n").expect("rows");
        assert!(rows[0].1.as_ref().is_err_and(|error| error.contains("before its quotation mark")), "{rows:?}");
        let rows = parse("id,right,email\nr-1,access,\"a@b.c\n \"\n").expect("rows");
        assert_eq!(rows, [(2, Ok(row("r-1", "a@b.c")))]);
    }

    #[test]
    fn a_file_of_the_header_alone_has_no_rows() {
        assert_eq!(parse("id,right"), Ok(Vec::new()));
        assert_eq!(parse("id,right,email\n,,\n\n"), Ok(Vec::new()));
    }
}
