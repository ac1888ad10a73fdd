//! The webhook's connections: their number, and the time that each may take.
//!
//! Every client that reaches the address can open connections and send nothing, or a header a
//! minute. So a connection has a few seconds for its headers and carries one request. If all places
//! are taken, the oldest connection without a signed webhook is closed for the newest. A flood of
//! unfinished requests thus closes its own connections, and a webhook, which arrives whole at once,
//! gets through. Not to stop accepting at the limit: the flood would hold the places while WhatsApp
//! waits. Not a limit for each address: behind a proxy all connections have the same one.
//!
//! Not axum's own server, because it has no such limits.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};
use tokio::task::JoinSet;

/// The timeout of a request's headers.
const HEADERS_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest headers, with what is read of a body at once. The body has its own limit.
const BUFFER_BYTES_MAX: usize = 32 * 1024;

/// After an error of accept, mostly a lack of file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// The connections without a signed webhook, the oldest first, with the means to close each.
#[derive(Clone, Default)]
struct Strangers(Arc<Mutex<BTreeMap<u64, oneshot::Sender<()>>>>);

impl Strangers {
    fn list(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, oneshot::Sender<()>>> {
        // The map is consistent after a panic too.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close_oldest(&self) {
        let oldest = self.list().pop_first();
        if let Some((_, close)) = oldest {
            let _closed_by_itself = close.send(());
        }
    }
}

/// A connection, as known to its request.
#[derive(Clone)]
pub(super) struct Guest {
    strangers: Strangers,
    number: u64,
}

impl Guest {
    /// The request is signed: the connection is no longer closed for another one.
    pub(super) fn is_known(&self) {
        self.strangers.list().remove(&self.number);
    }
}

/// Serves until the stop signal, then finishes requests in progress.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    connections_max: u16,
    mut stop: watch::Receiver<bool>,
) {
    let room = Arc::new(Semaphore::new(connections_max.into()));
    let (strangers, stopping) = (Strangers::default(), GracefulShutdown::new());
    let mut connections = JoinSet::new();
    for number in 0.. {
        let next = async {
            let stream = accepted(&listener).await;
            (stream, place(&room, &strangers).await)
        };
        let (stream, place) = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            next = next => next,
        };
        let (close, closed) = oneshot::channel();
        let guest = Guest { strangers: strangers.clone(), number };
        strangers.list().insert(number, close);
        let (router, watcher) = (router.clone(), stopping.watcher());
        connections.spawn(async move {
            tokio::select! {
                Ok(()) = closed => tracing::debug!("a connection was closed for a newer one"),
                () = served(stream, router, guest.clone(), watcher) => {}
            }
            guest.is_known();
            drop(place);
        });
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    stopping.shutdown().await;
    while connections.join_next().await.is_some() {}
}

async fn accepted(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// A place for a connection, which may close another one.
async fn place(room: &Arc<Semaphore>, strangers: &Strangers) -> Option<OwnedSemaphorePermit> {
    if let Ok(free) = Arc::clone(room).try_acquire_owned() {
        return Some(free);
    }
    strangers.close_oldest();
    // The semaphore is never closed, so there will be a place.
    Arc::clone(room).acquire_owned().await.ok()
}

/// One request and its reply.
async fn served(stream: TcpStream, router: Router, guest: Guest, watcher: Watcher) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request| {
        request.extensions_mut().insert(guest.clone());
        router.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_TIMEOUT)
        .max_buf_size(BUFFER_BYTES_MAX)
        // A client that has sent a signed request could otherwise keep its place.
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection has broken, or was too slow");
    }
}
