//! Paths and queries.

use percent_encoding::percent_decode_str;

use crate::problem::Details;

/// The routes of the gateway.
#[derive(PartialEq, Eq, Debug)]
pub enum Route {
    /// `GET /openapi.json`: the description of the routes.
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
    /// The route of a path.
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

    /// The method of the route.
    #[must_use]
    pub const fn method(&self) -> &'static str {
        match self {
            Self::OpenApi | Self::Manifest | Self::Document(_) => "GET",
            Self::Checks | Self::Accesses | Self::Deletions | Self::OptOuts | Self::Polls => "POST",
        }
    }

    /// Whether the arguments of the call are in the body.
    #[must_use]
    pub fn has_arguments(&self) -> bool {
        self.method() == "POST"
    }

    /// The parameters that the query of the route may have.
    const fn parameters(&self) -> &'static [&'static str] {
        match self {
            Self::Document(_) => &["offset", "size"],
            _ => &[],
        }
    }
}

/// The parameters in a query.
#[derive(Default, PartialEq, Eq, Debug)]
pub struct Query {
    /// `offset`.
    pub offset: Option<u64>,
    /// `size`.
    pub size: Option<u64>,
}

impl Query {
    /// Parses the query of a route.
    ///
    /// # Errors
    /// 400: a parameter is unknown, repeated or not a number.
    pub fn parse(query: &str, route: &Route) -> Result<Self, Details> {
        let mut parsed = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if !route.parameters().contains(&name.as_ref()) {
                return Err(Details::malformed("The query has a parameter that this path does not take."));
            }
            let parameter = if name == "offset" { &mut parsed.offset } else { &mut parsed.size };
            let number = parse_number(&value).filter(|_| parameter.is_none());
            let malformed = || Details::malformed("offset and size must be whole numbers and must not be repeated.");
            *parameter = Some(number.ok_or_else(malformed)?);
        }
        Ok(parsed)
    }
}

/// Splits a target into path and query.
#[must_use]
pub fn split(target: &str) -> (&str, &str) {
    target.split_once('?').unwrap_or((target, ""))
}

/// Parses a number that consists of decimal digits only. `str::parse` would also accept a plus sign.
#[must_use]
pub fn parse_number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_matched_exactly() {
        assert_eq!(Route::at("/openapi.json"), Some(Route::OpenApi));
        assert_eq!(Route::at("/polls"), Some(Route::Polls));
        assert_eq!(Route::at("/documents/r1.a-b_c.f0"), Some(Route::Document("r1.a-b_c.f0".to_owned())));
        assert_eq!(Route::at("/documents/a%2Fb%20c"), Some(Route::Document("a/b c".to_owned())));
        for unknown in ["", "/", "/polls/", "//polls", "/Polls", "/documents", "/documents/", "/documents/a/b"] {
            assert_eq!(Route::at(unknown), None, "{unknown}");
        }
        assert_eq!(Route::at("/documents/%ff"), None, "not UTF-8");
    }

    #[test]
    fn unknown_repeated_and_malformed_query_parameters_are_rejected() {
        let document = Route::Document("r".to_owned());
        let parse = |query, route| Query::parse(query, route).map_err(|details| details.status);
        assert_eq!(parse("", &document), Ok(Query::default()));
        assert_eq!(parse("size=20&offset=7", &document), Ok(Query { offset: Some(7), size: Some(20) }));
        assert_eq!(parse("offset=%37", &document), Ok(Query { offset: Some(7), size: None }));
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
            assert_eq!(parse(wrong, &document), Err(400), "{wrong}");
        }
        assert_eq!(parse("offset=1", &Route::Manifest), Err(400));
    }
}
