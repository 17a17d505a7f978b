//! Authentication of callers: the gateway is configured with the SHA-256 of each accepted token.

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::http::Head;
use crate::problem::Details;

/// The digests of the tokens that are accepted.
pub struct Callers(Vec<[u8; 32]>);

impl Callers {
    /// Parses hexadecimal digests, separated by commas or spaces. Several digests allow a token to be replaced while some callers still
    /// send the old one. `None` if there is no digest, or one is malformed.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digests = text.split([',', ' ']).filter(|part| !part.is_empty()).map(parse_digest);
        let digests = digests.collect::<Option<Vec<_>>>()?;
        (!digests.is_empty()).then_some(Self(digests))
    }

    /// Accepts a request with a known token. The comparison takes constant time, so that its duration reveals nothing about the tokens.
    ///
    /// # Errors
    /// 401.
    pub fn authenticate(&self, head: &Head) -> Result<(), Details> {
        let token = head.header("authorization").and_then(bearer_token).ok_or_else(Details::missing_token)?;
        let given: [u8; 32] = Sha256::digest(token).into();
        let known = self.0.iter().fold(Choice::from(0), |known, digest| known | digest.ct_eq(&given));
        if known.into() { Ok(()) } else { Err(Details::invalid_token()) }
    }
}

fn bearer_token(value: &str) -> Option<&str> {
    let (scheme, token) = value.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start())
}

fn parse_digest(hexadecimal: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if hexadecimal.len() != 64 || !hexadecimal.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, index) in digest.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(hexadecimal.get(index..)?.get(..2)?, 16).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The SHA-256 of `secret`, and that of `older`.
    const SECRET: &str = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
    const OLDER: &str = "DA925A30E31F7FDAA7044E3E5BA4AE17670DE82D677B0E7ADF5700428A137A36";

    fn status(digests: &str, authorization: &[&str]) -> u16 {
        let headers = authorization.iter().map(|value| ("authorization".to_owned(), value.as_bytes().to_vec()));
        let head = Head { method: "GET".to_owned(), target: "/".to_owned(), headers: headers.collect() };
        Callers::parse(digests).expect("digests").authenticate(&head).map_or_else(|details| details.status, |()| 200)
    }

    #[test]
    fn only_a_known_token_is_accepted() {
        assert_eq!(status(SECRET, &["Bearer secret"]), 200);
        assert_eq!(status(SECRET, &["bearer  secret"]), 200);
        for wrong in ["Bearer Secret", "Bearer secret2", "Bearer ", "Bearer", "", "Basic secret", "secret"] {
            assert_eq!(status(SECRET, &[wrong]), 401, "{wrong:?}");
        }
        assert_eq!(status(SECRET, &[]), 401);
        assert_eq!(status(SECRET, &["Bearer secret", "Bearer secret"]), 401, "a repeated header is ambiguous");
        assert_eq!(status(SECRET, &[&["Bearer ", SECRET].concat()]), 401, "the digest is not a token");
    }

    #[test]
    fn both_tokens_are_accepted_during_a_replacement() {
        let digests = [OLDER, SECRET].join(",");
        assert_eq!(status(&digests, &["Bearer secret"]), 200);
        assert_eq!(status(OLDER, &["Bearer secret"]), 401);
    }

    #[test]
    fn a_digest_is_64_hexadecimal_digits() {
        let with_sign = ["+f", &SECRET[2..]].concat();
        for malformed in ["", " , ", "secret", &SECRET[1..], &["0", SECRET].concat(), &with_sign, &"é".repeat(32)] {
            assert!(Callers::parse(malformed).is_none(), "{malformed:?}");
        }
        assert!(Callers::parse(&[SECRET, "secret"].join(",")).is_none(), "one of them is malformed");
        assert!(Callers::parse(&SECRET.to_uppercase()).is_some());
    }
}
