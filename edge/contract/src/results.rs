use serde::{Deserialize, Serialize};

use crate::Error;

/// The result of a call, or of one element of a list, in its JSON form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallResult<T> {
    /// The value that the connector returned.
    Ok(T),
    /// Its error.
    Error(Error),
}

impl<T> From<Result<T, Error>> for CallResult<T> {
    fn from(result: Result<T, Error>) -> Self {
        match result {
            Ok(value) => Self::Ok(value),
            Err(error) => Self::Error(error),
        }
    }
}
