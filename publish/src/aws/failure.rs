//! What an error of the SDK means for us.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use xtask::ui::foreign::foreign;

use crate::store::{Failure, Kind, is_of_tls};

/// Codes that mean: too fast.
const THROTTLED: [&str; 5] =
    ["ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"];
/// Codes that a region gives to accounts that have not asked for it. Wrong credentials are called the same, but by all
/// regions, so that those which are open to everyone tell.
const NOT_ENABLED: [&str; 3] = ["UnrecognizedClientException", "InvalidClientTokenId", "OptInRequired"];

/// What `error` means for us.
pub fn failure<E>(error: SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    match &error {
        // An answer that says it went well and cannot be read is an error of the service for the SDK.
        SdkError::ServiceError(_) | SdkError::ResponseError(_) if status.is_some_and(|status| status < 300) => {
            Failure::new(Kind::Unknown, format!("an answer that cannot be read: {}", said(&error)))
        }
        SdkError::ServiceError(service) => {
            let code = service.err().code().unwrap_or("an error without a code");
            let message = service.err().message().unwrap_or("no message");
            Failure::new(kind(code, status.unwrap_or_default()), format!("{}: {}", foreign(code), foreign(message)))
        }
        SdkError::ResponseError(_) => Failure::new(kind("", status.unwrap_or_default()), said(&error)),
        SdkError::DispatchFailure(failure) if failure.is_user() || is_hopeless(&error) => {
            Failure::new(Kind::Refused, said(&error))
        }
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) => Failure::new(Kind::Unknown, said(&error)),
        _ => Failure::new(Kind::Refused, said(&error)),
    }
}

fn kind(code: &str, status: u16) -> Kind {
    match code {
        code if THROTTLED.contains(&code) => Kind::Throttled,
        code if NOT_ENABLED.contains(&code) => Kind::NotEnabled,
        "ResourceNotFoundException" | "NotFound" | "NoSuchKey" => Kind::NotFound,
        _ if status == 429 => Kind::Throttled,
        _ if status == 408 || status >= 500 => Kind::Unknown,
        _ => Kind::Refused,
    }
}

/// Whether the connection fails in the same way every time.
fn is_hopeless(error: &(dyn std::error::Error + 'static)) -> bool {
    let is_of_tls = |error: &&(dyn std::error::Error + 'static)| error.downcast_ref().is_some_and(is_of_tls);
    std::iter::successors(Some(error), |error| error.source()).any(|error| is_of_tls(&error))
}

/// An error and its causes in a line, each thing said once.
fn said(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    foreign(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_statuses_are_told_apart() {
        assert_eq!(kind("TooManyRequestsException", 429), Kind::Throttled);
        assert_eq!(kind("WhatIsThis", 429), Kind::Throttled);
        assert_eq!(kind("ServiceException", 500), Kind::Unknown);
        assert_eq!(kind("", 502), Kind::Unknown);
        assert_eq!(kind("AccessDeniedException", 403), Kind::Refused);
        assert_eq!(kind("UnrecognizedClientException", 403), Kind::NotEnabled);
        assert_eq!(kind("ResourceNotFoundException", 404), Kind::NotFound);
    }
}
