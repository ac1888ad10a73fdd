//! From a function that makes the next item to a stream of them.
//!
//! The work on an item is kept when the future that asked for it is dropped, and goes on with the
//! next call: so `next()` may stand in a `select!` or under a timeout, and neither an item nor the
//! connection is lost. A task of its own with a channel was rejected: it would read ahead, and
//! needs an end of its own.

use std::pin::Pin;
use std::task::{Context, Poll};

/// Makes one item after another.
pub(crate) trait Source: Sized + Send + 'static {
    type Item: Send + 'static;

    fn step(&mut self) -> impl Future<Output = Self::Item> + Send;
}

type Work<S> = Pin<Box<dyn Future<Output = (S, <S as Source>::Item)> + Send>>;

/// A source, at rest or at work.
pub(crate) enum Pump<S: Source> {
    Resting(S),
    Working(Work<S>),
    /// The source has panicked.
    Broken,
}

impl<S: Source> Pump<S> {
    /// The next item; `None` when there is none because the source has panicked.
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

    /// The source, while it is not at work.
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

/// What `next()` answers when the stream has ended, which none of this crate does.
pub(crate) fn broken() -> crate::Error {
    crate::Error::unexpected("the stream has panicked before")
}
