//! How a call reaches the server: over an async or a blocking connection.
//!
//! The crate's logic is written once, as async code over a [`Driver`]. An async driver returns the
//! future to its caller. With a blocking driver every future is ready at its first poll, so one
//! poll runs the whole call, and the caller gets the value. Not a second set of blocking methods,
//! written or generated: two copies diverge.

use std::time::Duration;

use redis::{Cmd, RedisResult, Value};

use crate::error::Result;

/// Sends commands: an [`Async`] or a [`Blocking`] connection. It can't be implemented elsewhere.
pub trait Driver: sealed::Sealed + Send + Sized {
    /// The return type of a call: a future of the result, or the result.
    type Answer<'a, T: 'a>;

    /// Sends commands on one connection, each right after the one before, and returns as many
    /// replies. They may be errors.
    #[doc(hidden)]
    fn call(&mut self, commands: &[Cmd]) -> impl Future<Output = RedisResult<Vec<Value>>> + Send;

    /// Sleeps.
    #[doc(hidden)]
    fn sleep(&mut self, time: Duration) -> impl Future<Output = ()> + Send;

    /// Makes a method's return value from its work. With [`resolve`](Driver::resolve) it serves
    /// crates on top of this one with methods that are both async and blocking.
    ///
    /// The work may await only what `resolve` returns: a blocking driver polls it once.
    ///
    /// ```
    /// # support::example(async |url| {
    /// use redis_state_client::{Driver, Meta, States, connect};
    ///
    /// /// The version at a key, over either driver; 0 without a state.
    /// fn version<'a, D: Driver>(states: &'a mut States<D>, key: &'a str) -> D::Answer<'a, u64> {
    ///     D::answer(async move {
    ///         let meta = D::resolve(states.send(&Meta::new(key))).await?;
    ///         Ok(meta.map_or(0, |meta| meta.etag.version))
    ///     })
    /// }
    ///
    /// assert_eq!(version(&mut connect(url).await?, "offer:7d1f").await?, 0);
    /// # Ok(()) });
    /// ```
    fn answer<'a, T: Send + 'a>(work: impl Future<Output = Result<T>> + Send + 'a) -> Self::Answer<'a, T>;

    /// Turns a method's return value into a future, with either driver. See
    /// [`answer`](Driver::answer).
    fn resolve<'a, T: Send + 'a>(answer: Self::Answer<'a, T>) -> impl Future<Output = Result<T>> + Send + 'a;
}

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// Drives an async connection of redis-rs: multiplexed, managed, of a cluster or found by
/// sentinels. Calls return futures.
#[cfg(feature = "tokio")]
#[derive(Clone, Debug)]
pub struct Async<C>(pub(crate) C);

#[cfg(feature = "tokio")]
impl<C> sealed::Sealed for Async<C> {}

#[cfg(feature = "tokio")]
impl<C: redis::aio::ConnectionLike + Send> Driver for Async<C> {
    type Answer<'a, T: 'a> = std::pin::Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

    async fn call(&mut self, commands: &[Cmd]) -> RedisResult<Vec<Value>> {
        match commands {
            [command] => self.0.req_packed_command(command).await.map(|reply| vec![reply]),
            _ => self.0.req_packed_commands(&pipeline(commands), 0, commands.len()).await,
        }
    }

    async fn sleep(&mut self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    fn answer<'a, T: Send + 'a>(work: impl Future<Output = Result<T>> + Send + 'a) -> Self::Answer<'a, T> {
        Box::pin(work)
    }

    fn resolve<'a, T: Send + 'a>(answer: Self::Answer<'a, T>) -> impl Future<Output = Result<T>> + Send + 'a {
        answer
    }
}

/// Drives a blocking connection of redis-rs. Calls return results.
#[cfg(feature = "sync")]
#[derive(Clone, Debug)]
pub struct Blocking<C>(pub(crate) C);

#[cfg(feature = "sync")]
impl<C> sealed::Sealed for Blocking<C> {}

#[cfg(feature = "sync")]
impl<C: redis::ConnectionLike + Send> Driver for Blocking<C> {
    type Answer<'a, T: 'a> = Result<T>;

    async fn call(&mut self, commands: &[Cmd]) -> RedisResult<Vec<Value>> {
        match commands {
            [command] => self.0.req_command(command).map(|reply| vec![reply]),
            _ => {
                let packed = pipeline(commands).get_packed_pipeline();
                self.0.req_packed_commands(&packed, 0, commands.len())
            }
        }
    }

    async fn sleep(&mut self, time: Duration) {
        std::thread::sleep(time);
    }

    fn answer<'a, T: Send + 'a>(work: impl Future<Output = Result<T>> + Send + 'a) -> Result<T> {
        use std::task::{Context, Poll, Waker};
        match std::pin::pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result,
            Poll::Pending => unreachable!("nothing that a blocking driver awaits is ever pending"),
        }
    }

    fn resolve<'a, T: Send + 'a>(answer: Result<T>) -> impl Future<Output = Result<T>> + Send + 'a {
        std::future::ready(answer)
    }
}

#[cfg(any(feature = "tokio", feature = "sync"))]
fn pipeline(commands: &[Cmd]) -> redis::Pipeline {
    let mut pipeline = redis::Pipeline::with_capacity(commands.len());
    for command in commands {
        pipeline.add_command(command.clone());
    }
    pipeline
}
