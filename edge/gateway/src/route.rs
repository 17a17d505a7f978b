//! Paths and queries.

use percent_encoding::percent_decode_str;

use crate::problem::Details;

/// What there is to call.
#[derive(PartialEq, Eq, Debug)]
pub enum Route {
    /// `GET /openapi.json`: the description of all this.
    OpenApi,
    /// `GET /manifest`: `describe`.
    Manifest,
    /// `POST /checks`: `check`.
    Checks,
    /// `POST /accesses`: `access`.
    Accesses,
    /// `POST /deletions`: `delete`.
    Deletions,
    /// `POST /opt-outs`: `opt-out`.
    OptOuts,
    /// `POST /polls`: `poll`.
    Polls,
    /// `GET /documents/{reference}`: `read`, to the end.
    Document(String),
}

impl Route {
    /// What is at a path.
    #[must_use]
    pub fn at(path: &str) -> Option<Self> {
        Some(match path {
            "/openapi.json" => Self::OpenApi,
            "/manifest" => Self::Manifest,
            "/checks" => Self::Checks,
            "/accesses" => Self::Accesses,
            "/deletions" => Self::Deletions,
            "/opt-outs" => Self::OptOuts,
            "/polls" => Self::Polls,
            _ => {
                let reference = path.strip_prefix("/documents/")?;
                let reference = percent_decode_str(reference).decode_utf8().ok()?.into_owned();
                if reference.is_empty() || path.matches('/').count() > 2 {
                    return None;
                }
                Self::Document(reference)
            }
        })
    }

    /// The method that the path has.
    #[must_use]
    pub const fn method(&self) -> &'static str {
        match self {
            Self::OpenApi | Self::Manifest | Self::Document(_) => "GET",
            Self::Checks | Self::Accesses | Self::Deletions | Self::OptOuts | Self::Polls => "POST",
        }
    }

    /// The names that its query may have.
    const fn parameters(&self) -> &'static [&'static str] {
        match self {
            Self::Document(_) => &["offset", "size"],
            _ => &[],
        }
    }
}

/// The numbers in a query.
#[derive(Default, PartialEq, Eq, Debug)]
pub struct Query {
    /// `offset`.
    pub offset: Option<u64>,
    /// `size`.
    pub size: Option<u64>,
}

impl Query {
    /// Reads the query of a route.
    ///
    /// # Errors
    /// 400: a parameter is not known there, stands there twice, or is no number.
    pub fn read(query: &str, route: &Route) -> Result<Self, Details> {
        let mut read = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if !route.parameters().contains(&name.as_ref()) {
                return Err(Details::malformed("The query has a parameter that this path does not take."));
            }
            let place = if name == "offset" { &mut read.offset } else { &mut read.size };
            let number = number(&value).filter(|_| place.is_none());
            let malformed = || Details::malformed("offset and size are whole numbers, and stand there once.");
            *place = Some(number.ok_or_else(malformed)?);
        }
        Ok(read)
    }
}

/// Path and query of a target.
#[must_use]
pub fn split(target: &str) -> (&str, &str) {
    target.split_once('?').unwrap_or((target, ""))
}

/// A number in decimal digits alone: Rust would read a sign, too.
#[must_use]
pub fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_has_its_call() {
        assert_eq!(Route::at("/openapi.json"), Some(Route::OpenApi));
        assert_eq!(Route::at("/polls"), Some(Route::Polls));
        assert_eq!(Route::at("/documents/r1.a-b_c.f0"), Some(Route::Document("r1.a-b_c.f0".to_owned())));
        assert_eq!(Route::at("/documents/a%2Fb%20c"), Some(Route::Document("a/b c".to_owned())));
        for nothing in ["", "/", "/polls/", "//polls", "/Polls", "/documents", "/documents/", "/documents/a/b"] {
            assert_eq!(Route::at(nothing), None, "{nothing}");
        }
        assert_eq!(Route::at("/documents/%ff"), None, "no text");
    }

    #[test]
    fn a_query_holds_what_its_path_takes_and_nothing_else() {
        let document = Route::Document("r".to_owned());
        let read = |query, route| Query::read(query, route).map_err(|details| details.status);
        assert_eq!(read("", &document), Ok(Query::default()));
        assert_eq!(read("size=20&offset=7", &document), Ok(Query { offset: Some(7), size: Some(20) }));
        assert_eq!(read("offset=%37", &document), Ok(Query { offset: Some(7), size: None }));
        for wrong in [
            "offset=",
            "offset",
            "offset=-1",
            "offset=+1",
            "offset=1.0",
            "offset=1&offset=1",
            "limit=1",
            "offset=18446744073709551616",
        ] {
            assert_eq!(read(wrong, &document), Err(400), "{wrong}");
        }
        assert_eq!(read("offset=1", &Route::Manifest), Err(400));
    }
}
