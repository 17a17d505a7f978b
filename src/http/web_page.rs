//! Telling web pages from data: proxies, captive portals and login forms send pages in place of data.

use super::ResponseHead;

/// The media types of web pages.
const MEDIA_TYPES: [&str; 2] = ["text/html", "application/xhtml+xml"];

/// The elements that a web page begins with, without the ones that data in XML may begin with as well. From the table of
/// <https://mimesniff.spec.whatwg.org/#identifying-a-resource-with-an-unknown-mime-type>.
const FIRST_ELEMENTS: [&[u8]; 12] =
    [b"html", b"head", b"body", b"title", b"meta", b"script", b"style", b"iframe", b"table", b"div", b"h1", b"center"];

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Whether a response is a web page: by its media type, or by how its body begins. `start` is the part of the body that was received;
/// a page whose first element it does not reach is not recognised by its body.
#[must_use]
pub fn is_web_page(head: &ResponseHead, start: &[u8]) -> bool {
    let is_declared = head.media_type().is_some_and(|media_type| MEDIA_TYPES.contains(&media_type.as_str()));
    is_declared || begins_like_html(start)
}

/// The bytes behind whitespace and byte order marks.
#[must_use]
pub fn text_start(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.trim_ascii_start();
    bytes.strip_prefix(BYTE_ORDER_MARK).map_or(bytes, text_start)
}

fn begins_like_html(start: &[u8]) -> bool {
    let lower: Vec<u8> = match start {
        // UTF-16: the characters that matter have one zero byte each.
        [0xFF, 0xFE, rest @ ..] | [0xFE, 0xFF, rest @ ..] => rest.iter().copied().filter(|byte| *byte != 0).collect(),
        _ => start.to_vec(),
    };
    let lower = lower.to_ascii_lowercase();
    let mut rest = text_start(&lower);
    let (mut is_xml, mut has_comment) = (false, false);
    loop {
        rest = match (rest.strip_prefix(b"<!--"), rest.strip_prefix(b"<?")) {
            (Some(comment), _) => {
                has_comment = true;
                behind(comment, b"-->")
            }
            (_, Some(instruction)) => {
                is_xml = true;
                behind(instruction, b"?>")
            }
            (None, None) => break,
        };
        rest = text_start(rest);
    }
    if let Some(doctype) = rest.strip_prefix(b"<!doctype") {
        return begins_with_name(doctype.trim_ascii_start(), b"html");
    }
    match rest.strip_prefix(b"<") {
        Some(element) if is_xml => begins_with_name(element, b"html"),
        Some(element) => FIRST_ELEMENTS.iter().any(|name| begins_with_name(element, name)),
        // Data in XML has a declaration, or begins with its root.
        None => has_comment && rest.is_empty() && !is_xml,
    }
}

/// What comes behind the first occurrence of `end`: nothing if there is none.
fn behind<'b>(bytes: &'b [u8], end: &[u8]) -> &'b [u8] {
    let at = bytes.windows(end.len()).position(|window| window == end);
    at.and_then(|at| bytes.get(at.saturating_add(end.len())..)).unwrap_or_default()
}

/// Whether this name comes first, and not as the beginning of a longer one.
fn begins_with_name(text: &[u8], name: &[u8]) -> bool {
    let next = text.strip_prefix(name).map(|rest| rest.first().copied());
    next.is_some_and(|next| next.is_none_or(|byte| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/' | b'[')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_page(media_type: &str, bytes: &[u8]) -> bool {
        let headers = vec![("content-type".to_owned(), media_type.to_owned())];
        is_web_page(&ResponseHead { status: 200, headers }, bytes)
    }

    #[test]
    fn web_pages_are_recognised_by_media_type_in_any_case() {
        for media_type in ["text/html", "Text/HTML; charset=utf-8", "TEXT/HTML", " application/XHTML+xml ;a=b"] {
            assert!(is_page(media_type, b"Please sign in"), "{media_type}");
        }
        assert!(!is_page("text/plain", b"Please sign in"));
    }

    #[test]
    fn web_pages_are_recognised_by_how_they_begin() {
        for bytes in [
            &b"<!DOCTYPE html>"[..],
            b"\xEF\xBB\xBF\r\n<!doctype HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\">",
            b"\xEF\xBB\xBF\xEF\xBB\xBF <HtMl lang=\"en\">",
            b"<head><title>Sign in",
            b"<body>",
            b"<title>Proxy</title>",
            b"<script src=\"x\">",
            b"<meta http-equiv=\"refresh\">",
            b"<!-- proxy --><html>",
            b"<!-- one --> <!-- two -->\n<head>",
            b"<!-- a comment that is not received to its end",
            b"<?xml version=\"1.0\"?><!DOCTYPE html><html>",
            b"<?xml version=\"1.0\"?>\n<!-- x -->\n<html xmlns=\"http://www.w3.org/1999/xhtml\">",
            b"\xFF\xFE<\0h\0t\0m\0l\0>\0",
            b"\xFE\xFF\0<\0!\0D\0O\0C\0T\0Y\0P\0E\0 \0h\0t\0m\0l\0>",
        ] {
            assert!(is_page("application/octet-stream", bytes), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn data_is_not_taken_for_a_web_page() {
        for bytes in [
            &b""[..],
            b"{\"html\": \"<html>\"}",
            b"a,<html>",
            b"<?xml version=\"1.0\"?><responses/>",
            b"<?xml version=\"1.0\"?><!-- export --><table/>",
            b"<!-- export --><responses/>",
            b"<htmlish/>",
            b"<responses><html/></responses>",
            b"<!doctype responses>",
            b"PK\x03\x04",
        ] {
            assert!(!is_page("application/octet-stream", bytes), "{}", bytes.escape_ascii());
        }
    }
}
