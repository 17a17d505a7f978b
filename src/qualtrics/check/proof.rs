//! What the responses to probes prove about permissions.

use crate::qualtrics::api::envelope::ApiResponse;
use crate::qualtrics::api::error::{ApiError, ErrorForm, ErrorResponse};

/// What a probe proves about a permission.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Proof {
    Granted,
    Refused(ErrorResponse),
    Unproven,
}

/// Whether the test continues after this error: a missing permission may be the cause. The response of a proxy, a 429 and every error
/// without a response end the test. A response without a body to a look-up of something that does not exist proves nothing.
pub(super) fn is_about_permissions(error: &ApiError) -> bool {
    match error {
        ApiError::Response(ErrorResponse { status: 400 | 404 | 410, form: ErrorForm::Blank, .. }) => true,
        ApiError::Response(response) => response.status != 429 && !response.is_from_proxy(),
        ApiError::Malformed => true,
        _ => false,
    }
}

/// What the response to a probe proves.
pub(super) fn proof_of(
    response: Result<ApiResponse, ApiError>,
    of_rejection: fn(ApiError) -> Proof,
) -> Result<Proof, ApiError> {
    match response {
        Ok(_) => Ok(Proof::Granted),
        Err(ApiError::Malformed) => Ok(Proof::Unproven),
        Err(error) if is_about_permissions(&error) => Ok(of_rejection(error)),
        Err(error) => Err(error),
    }
}

/// What the look-up of an ID that does not exist proves: if Qualtrics responds that it does not exist, the look-up was permitted.
pub(super) fn proof_of_look_up(error: ApiError) -> Proof {
    if error.is_not_found() { Proof::Granted } else { proof_of_rejection(error) }
}

/// What an update of a contact that does not exist proves. Only 404 and 410 say that the contact was looked for: a 400 may be about the
/// body, before the permission is checked.
pub(super) fn proof_of_update(error: ApiError) -> Proof {
    match error.own_status() {
        Some(404 | 410) => Proof::Granted,
        _ => proof_of_rejection(error),
    }
}

pub(super) fn proof_of_rejection(error: ApiError) -> Proof {
    match error {
        ApiError::Response(response) if matches!(response.status, 401 | 403) => Proof::Refused(response),
        _ => Proof::Unproven,
    }
}
