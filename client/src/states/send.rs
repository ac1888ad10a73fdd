//! Sends a request until it has a reply, or its outcome is unknown.

use std::time::Duration;

use redis::{Cmd, RedisResult, Value};
use tracing::Instrument;

use super::States;
use crate::decode;
use crate::driver::Driver;
use crate::error::{Error, ErrorKind, Result};
use crate::request::{Request, Resend, milliseconds};
use crate::trace;

impl<D: Driver> States<D> {
    pub(crate) async fn exchange<R: Request>(&mut self, request: &R) -> Result<R::Reply> {
        Ok(self.exchange_with(request, None).await?.0)
    }

    /// As [`States::exchange`], then asks by WAIT how many replicas have it.
    pub(super) async fn exchange_acknowledged<R: Request>(
        &mut self,
        request: &R,
        replicas: u64,
        timeout: Duration,
    ) -> Result<Acknowledged<R::Reply>> {
        let mut wait = redis::cmd("WAIT");
        wait.arg(replicas).arg(milliseconds(timeout));
        let (reply, acknowledged) = self.exchange_with(request, Some(&wait)).await?;
        Ok(Acknowledged { reply, replicas: decode::number(acknowledged)? })
    }

    async fn exchange_with<R: Request>(
        &mut self,
        request: &R,
        then: Option<&Cmd>,
    ) -> Result<(R::Reply, Value)> {
        let span = trace::command(request.name());
        let mut resends = 0;
        let result = self.exchange_until_answered(request, then, &mut resends).instrument(span.clone()).await;
        trace::ended(&span, result.as_ref().err(), resends);
        result
    }

    async fn exchange_until_answered<R: Request>(
        &mut self,
        request: &R,
        then: Option<&Cmd>,
        resends: &mut usize,
    ) -> Result<(R::Reply, Value)> {
        let command = request.command();
        let mut delays = self.resend_delays();
        let mut in_doubt = false;
        let mut unanswered_once = None;
        loop {
            let error = match self.send_once(&command, then).await {
                Ok((value, after)) => return Ok((request.reply(value)?, after)),
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
                // "Unavailable" applies to the last try only: the first one may have been executed.
                _ if error.kind() == ErrorKind::Unavailable => return Err(unanswered_once.unwrap_or(error)),
                _ => return Err(error),
            }
        }
    }

    async fn send_once(&mut self, command: &Cmd, then: Option<&Cmd>) -> RedisResult<(Value, Value)> {
        let Some(then) = then else { return Ok((self.driver.call(command).await?, Value::Nil)) };
        let [reply, after] = self.driver.call_both(command, then).await?;
        Ok((reply.extract_error()?, after.extract_error()?))
    }
}

/// A reply, with the number of replicas that have its effect.
///
/// For an example see [`States::send_acknowledged`](crate::States::send_acknowledged).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledged<T> {
    /// The reply of the command.
    pub reply: T,
    /// The number of replicas that have received it, and everything before it: fewer than requested
    /// after a timeout.
    pub replicas: u64,
}

/// The reply to a resent request with an expected version. A success means that it is applied now;
/// a rejection, which is checked after the version, means that it never was. A conflict may be with
/// its own first copy.
fn doubtful(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Conflict | ErrorKind::NoState => {
            let text =
                "the command got no reply; the state has changed since, by it or by another client: read it";
            Error::new(ErrorKind::OutcomeUnknown, text).with_current(error.current_etag())
        }
        ErrorKind::Connection | ErrorKind::Unavailable => {
            Error::new(ErrorKind::OutcomeUnknown, error.to_string())
        }
        _ => error,
    }
}
