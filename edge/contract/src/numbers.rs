//! Whole numbers in JSON. `7.0` is accepted as `7`, because some clients write it.

use std::fmt::{Formatter, Result as FormatResult};

use serde::Deserializer;
use serde::de::{Error, Unexpected, Visitor};

/// The first number that is too large for 64 bits.
const UPPER_BOUND: f64 = 18_446_744_073_709_551_616.0;

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    deserializer.deserialize_u64(WholeNumber)
}

struct WholeNumber;

impl Visitor<'_> for WholeNumber {
    type Value = u64;

    fn expecting(&self, formatter: &mut Formatter<'_>) -> FormatResult {
        formatter.write_str("a whole number")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<u64, E> {
        Ok(number)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<u64, E> {
        if number.fract() == 0.0 && (0.0..UPPER_BOUND).contains(&number) {
            return Ok(number as u64);
        }
        Err(E::invalid_value(Unexpected::Float(number), &self))
    }
}
