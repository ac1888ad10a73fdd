//! Sending a request until it has an answer, or nobody can say whether it was carried out.

use tracing::Instrument;

use super::States;
use crate::driver::Driver;
use crate::error::{Error, ErrorKind, Result};
use crate::request::{Request, Resend};
use crate::trace;

impl<D: Driver> States<D> {
    pub(crate) async fn exchange<R: Request>(&mut self, request: &R) -> Result<R::Reply> {
        let span = trace::command(request.name());
        let mut resends = 0;
        let result = self.exchange_until_answered(request, &mut resends).instrument(span.clone()).await;
        trace::ended(&span, result.as_ref().err(), resends);
        result
    }

    async fn exchange_until_answered<R: Request>(
        &mut self,
        request: &R,
        resends: &mut usize,
    ) -> Result<R::Reply> {
        let command = request.command();
        let mut delays = self.resend_delays();
        let mut in_doubt = false;
        let mut unanswered_once = None;
        loop {
            let error = match self.driver.call(&command).await {
                Ok(value) => return request.reply(value),
                Err(error) => Error::redis(error, request.resend()),
            };
            let unanswered = error.outcome_unknown();
            let again = error.is_retryable() || unanswered && request.resend() == Resend::ByEtag;
            in_doubt |= unanswered;
            if error.kind() == ErrorKind::Connection {
                unanswered_once = Some(error.clone());
            }
            match delays.next() {
                Some(delay) if again => {
                    self.driver.sleep(delay).await;
                    *resends += 1;
                }
                _ if in_doubt => return Err(doubtful(error)),
                // "Not now" is said of the last time only: the first one may have been carried out.
                _ if error.kind() == ErrorKind::Unavailable => return Err(unanswered_once.unwrap_or(error)),
                _ => return Err(error),
            }
        }
    }
}

/// The answer to a request that was sent before without one, and that names the version it expects. Success says that it was
/// applied now; so does a refusal by the rules, which come after the version, that it never was. But the version that is no longer
/// there may have been taken by ourselves.
fn doubtful(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Conflict | ErrorKind::NoState => {
            let text = "the command was sent and got no answer; the state has changed since, by it or by somebody else: read it";
            Error::new(ErrorKind::OutcomeUnknown, text).with_current(error.current_etag())
        }
        ErrorKind::Connection | ErrorKind::Unavailable => {
            Error::new(ErrorKind::OutcomeUnknown, error.to_string())
        }
        _ => error,
    }
}
