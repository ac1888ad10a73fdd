//! A proxy that cuts each connection after a random number of bytes: before or in a command,
//! between a command and its reply, or in the reply. Or on demand: after the server has replied,
//! before the client gets the reply.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A proxy before a server.
pub struct Cutting {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    cuts: AtomicUsize,
    lose_next: AtomicBool,
}

impl Cutting {
    /// Starts a proxy before the server on `port`; a connection is cut after at most `bytes_max`
    /// bytes in both directions. `seed` decides when each is cut.
    pub async fn before(port: u16, bytes_max: u64, seed: u64) -> Cutting {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let own = listener.local_addr().expect("a bound socket has an address").port();
        let shared = Arc::new(Shared::default());
        let ours = shared.clone();
        tokio::spawn(async move {
            let mut seed = seed;
            loop {
                let Ok((client, _)) = listener.accept().await else { return };
                seed = next(seed);
                let left = Arc::new(AtomicU64::new(seed % bytes_max + 1));
                let ours = ours.clone();
                tokio::spawn(async move {
                    let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
                    let (from_client, to_client) = client.into_split();
                    let (from_server, to_server) = server.into_split();
                    tokio::select! {
                        () = pass(from_client, to_server, &left, None) => {}
                        () = pass(from_server, to_client, &left, Some(&ours.lose_next)) => {}
                    }
                    ours.cuts.fetch_add(1, Ordering::Relaxed);
                });
            }
        });
        Cutting { port: own, shared }
    }

    /// Loses the next reply of the server, and its connection.
    pub fn lose_next_answer(&self) {
        self.shared.lose_next.store(true, Ordering::Relaxed);
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// The number of connections that were cut.
    pub fn cuts(&self) -> usize {
        self.shared.cuts.load(Ordering::Relaxed)
    }
}

/// Forwards bytes until either side closes or the limit is reached, within a piece if need be.
async fn pass(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    left: &AtomicU64,
    lose_next: Option<&AtomicBool>,
) {
    let mut buffer = [0; 4096];
    loop {
        let Ok(bytes @ 1..) = from.read(&mut buffer).await else { return };
        if lose_next.is_some_and(|lose| lose.swap(false, Ordering::Relaxed)) {
            return;
        }
        let before = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            Some(left.saturating_sub(bytes as u64))
        });
        let allowed = usize::try_from(before.unwrap_or_default()).unwrap_or(usize::MAX).min(bytes);
        if to.write_all(&buffer[..allowed]).await.is_err() || allowed < bytes {
            return;
        }
    }
}

/// xorshift64: the same numbers for the same seed.
pub fn next(seed: u64) -> u64 {
    let mut x = seed | 1;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    x
}
