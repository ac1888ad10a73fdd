//! Sends a request until it has a reply, or its outcome is unknown.

use std::time::Duration;

use redis::{Cmd, FromRedisValue, RedisResult, Value};
use tracing::Instrument;

use super::{States, delays};
use crate::decode;
use crate::driver::Driver;
use crate::error::{Error, ErrorKind, Result};
use crate::request::Request;
use crate::request::line::{CommandLine, milliseconds};
use crate::resend::Resend;
use crate::trace;

impl<D: Driver> States<D> {
    /// Sends a request and decodes its reply.
    ///
    /// After a broken connection or a timeout, the request is resent if that is safe: it reads, or
    /// it has an ID, by which the server recognizes it, or it names an etag. In the last case the
    /// first copy of the request may have caused a conflict: then the error is an [unknown
    /// outcome](crate::Error::outcome_unknown) with the present etag. Any other request is never
    /// resent.
    pub fn send<'a, R: Request>(&'a mut self, request: &'a R) -> D::Answer<'a, R::Reply> {
        D::answer(self.exchange(request))
    }

    /// Sends a request and waits until this many replicas have received its effect, or for the
    /// timeout (by WAIT, right after it on the same connection). The timeout must be shorter than
    /// the connection's response timeout. The result has the number of replicas: what only the
    /// primary has may be lost in a failover.
    ///
    /// Not for a cluster connection, which sends WAIT to any node.
    ///
    /// ```
    /// # support::example(async |url| {
    /// use redis_state_client::{Change, Update, connect};
    /// use std::time::Duration;
    ///
    /// let mut states = connect(url).await?;
    /// let pay = Update::any("offer:7d1f", Change::merge(&serde_json::json!({"amount": 5}))?)
    ///     .id("wamid.HBgL1");
    /// let paid = states.send_acknowledged(&pay, 1, Duration::from_millis(50)).await?;
    /// assert_eq!(paid.reply.etag.version, 1);
    /// assert_eq!(paid.replicas, 0, "this server has none");
    /// # Ok(()) });
    /// ```
    pub fn send_acknowledged<'a, R: Request>(
        &'a mut self,
        request: &'a R,
        replicas: u64,
        timeout: Duration,
    ) -> D::Answer<'a, Acknowledged<R::Reply>> {
        D::answer(self.exchange_acknowledged(request, replicas, timeout))
    }

    /// As [`States::send`], for a command of Redis.
    pub(crate) async fn ask<T: FromRedisValue>(&mut self, command: &CommandLine) -> Result<T> {
        decode::value(self.exchange(command).await?)
    }

    pub(crate) async fn exchange<R: Request>(&mut self, request: &R) -> Result<R::Reply> {
        self.exchange_with(request, [request.command()], |[reply]| decode::value(reply)).await
    }

    /// As [`States::exchange`], then asks by WAIT how many replicas have it.
    async fn exchange_acknowledged<R: Request>(
        &mut self,
        request: &R,
        replicas: u64,
        timeout: Duration,
    ) -> Result<Acknowledged<R::Reply>> {
        let mut wait = redis::cmd("WAIT");
        wait.arg(replicas).arg(milliseconds(timeout));
        let acknowledged = |[reply, replicas]: [Value; 2]| {
            Ok(Acknowledged { reply: decode::value(reply)?, replicas: decode::value(replicas)? })
        };
        self.exchange_with(request, [request.command(), wait], acknowledged).await
    }

    /// Sends these commands, which begin with the request's.
    async fn exchange_with<T, const N: usize>(
        &mut self,
        request: &impl Request,
        commands: [Cmd; N],
        decode: impl FnOnce([Value; N]) -> Result<T>,
    ) -> Result<T> {
        let span = trace::command(request.name());
        let mut resends = 0;
        let resend = request.line().resend();
        let exchange = self.exchange_until_answered(&commands, resend, &mut resends);
        let result = exchange.instrument(span.clone()).await.and_then(decode);
        trace::ended(&span, result.as_ref().err(), resends);
        result
    }

    async fn exchange_until_answered<const N: usize>(
        &mut self,
        commands: &[Cmd; N],
        resend: Resend,
        resends: &mut usize,
    ) -> Result<[Value; N]> {
        let mut delays = delays(Duration::from_millis(20), Duration::from_secs(1), self.resends);
        let mut in_doubt = false;
        let mut unanswered_once = None;
        loop {
            let error = match self.send_once(commands).await {
                Ok(replies) => return Ok(replies),
                Err(error) => Error::redis(error, resend),
            };
            let unanswered = error.outcome_unknown();
            let again = error.is_retryable() || unanswered && resend == Resend::ByEtag;
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

    async fn send_once<const N: usize>(&mut self, commands: &[Cmd; N]) -> RedisResult<[Value; N]> {
        let replies = self.driver.call(commands).await?;
        let replies = replies.into_iter().map(Value::extract_error).collect::<RedisResult<Vec<Value>>>()?;
        let other_number = |_| (redis::ErrorKind::UnexpectedReturnType, "another number of replies").into();
        replies.try_into().map_err(other_number)
    }
}

/// The reply of [`States::send_acknowledged`].
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
