//! Makes a stream from a function that makes the next item.
//!
//! The work on an item continues with the next call when its future is dropped: so `next()` can be
//! used in `select!` or under a timeout, and neither an item nor the connection is lost. Not a task
//! with a channel, which would read ahead and need a shutdown.

use std::pin::Pin;
use std::task::{Context, Poll};

/// Makes one item after another.
pub(crate) trait Source: Sized + Send + 'static {
    type Item: Send + 'static;

    fn step(&mut self) -> impl Future<Output = Self::Item> + Send;
}

type Work<S> = Pin<Box<dyn Future<Output = (S, <S as Source>::Item)> + Send>>;

/// A source, idle or in work.
pub(crate) enum Pump<S: Source> {
    Resting(S),
    Working(Work<S>),
    /// The source has panicked.
    Broken,
}

impl<S: Source> Pump<S> {
    /// The next item; `None` if the source has panicked.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut work = match std::mem::replace(self, Pump::Broken) {
            Pump::Resting(source) => work(source),
            Pump::Working(work) => work,
            Pump::Broken => return Poll::Ready(None),
        };
        match work.as_mut().poll(cx) {
            Poll::Ready((source, item)) => {
                *self = Pump::Resting(source);
                Poll::Ready(Some(item))
            }
            Poll::Pending => {
                *self = Pump::Working(work);
                Poll::Pending
            }
        }
    }

    /// The source, while it is idle.
    pub(crate) fn resting(&mut self) -> Option<&mut S> {
        match self {
            Pump::Resting(source) => Some(source),
            _ => None,
        }
    }
}

fn work<S: Source>(mut source: S) -> Work<S> {
    Box::pin(async move {
        let item = source.step().await;
        (source, item)
    })
}

/// The error of `next()` after the end of a stream, which none of this crate reaches.
pub(crate) fn broken() -> crate::Error {
    crate::Error::unexpected("the stream has panicked before")
}
