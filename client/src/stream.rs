//! Streams that never end, and await each item of an async function.
//!
//! The work on an item continues with the next call when its future is dropped: so `next()` can be
//! used in `select!` or under a timeout, and neither an item nor the connection is lost. Not a task
//! with a channel, which would read ahead and need a shutdown.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::stream::{Stream, StreamExt, unfold};

use crate::error::{Error, Result};

/// Makes one item after another.
pub(crate) trait Source: Sized + Send + 'static {
    type Item: Send;

    fn step(&mut self) -> impl Future<Output = Result<Self::Item>> + Send;
}

/// The items of a source.
pub(crate) struct Items<T>(Pin<Box<dyn Stream<Item = Result<T>> + Send>>);

impl<T: Send + 'static> Items<T> {
    pub(crate) fn of(source: impl Source<Item = T>) -> Items<T> {
        Items(Box::pin(unfold(source, |mut source| async move {
            let item = source.step().await;
            Some((item, source))
        })))
    }

    pub(crate) async fn next(&mut self) -> Result<T> {
        self.0.next().await.unwrap_or_else(|| Err(Error::unexpected("the stream has ended")))
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        self.0.as_mut().poll_next(cx)
    }
}
