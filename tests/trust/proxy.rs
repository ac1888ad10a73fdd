//! A proxy between a primary and its replica that breaks their connections: after a number of
//! bytes, or all of them for a while.
//!
//! It counts the primary's bytes, so a connection may break anywhere: in the handshake, in the RDB,
//! in the middle of a command. Not CLIENT KILL, which breaks connections only between two commands.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    accepts: Option<JoinHandle<()>>,
}

struct Shared {
    primary: u16,
    /// The number of bytes until the next connections break; later ones do not break.
    lengths: Mutex<VecDeque<u64>>,
    /// The number of lengths whose connection has not ended yet.
    left: AtomicU64,
    cuts: AtomicU64,
    apart: AtomicBool,
    over: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    pub fn before(primary: u16) -> Proxy {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared {
            primary,
            lengths: Mutex::default(),
            left: AtomicU64::new(0),
            cuts: AtomicU64::new(0),
            apart: AtomicBool::new(false),
            over: AtomicBool::new(false),
            open: Mutex::default(),
        });
        let of_thread = Arc::clone(&shared);
        let accepts = std::thread::spawn(move || {
            for replica in listener.incoming().flatten() {
                if of_thread.over.load(Ordering::SeqCst) {
                    return;
                }
                of_thread.connect(replica);
            }
        });
        Proxy { port, shared, accepts: Some(accepts) }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Breaks the next connections after this many bytes each.
    pub fn cut_after(&self, lengths: impl IntoIterator<Item = u64>) {
        let mut waiting = self.shared.lengths.lock().expect("no panic");
        let before = waiting.len();
        waiting.extend(lengths);
        self.shared.left.fetch_add((waiting.len() - before) as u64, Ordering::SeqCst);
    }

    /// Whether all those connections have ended, broken or by themselves: newer servers send the
    /// RDB on a second connection, which may be shorter.
    pub fn all_ended(&self) -> bool {
        self.shared.left.load(Ordering::SeqCst) == 0
    }

    /// The number of broken connections.
    pub fn cuts(&self) -> u64 {
        self.shared.cuts.load(Ordering::SeqCst)
    }

    /// Separates primary and replica from now on.
    pub fn part(&self) {
        self.shared.apart.store(true, Ordering::SeqCst);
        self.shared.close_all();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        // One more connection wakes the accepting thread.
        let woken = TcpStream::connect(("127.0.0.1", self.port));
        self.shared.close_all();
        if let (Ok(_), Some(accepts)) = (woken, self.accepts.take()) {
            accepts.join().expect("a thread without a panic");
        }
    }
}

impl Shared {
    /// Closes a connection that can't be forwarded.
    fn connect(self: &Arc<Self>, replica: TcpStream) {
        let mut open = self.open.lock().expect("no panic");
        if self.apart.load(Ordering::SeqCst) {
            return;
        }
        let Ok(primary) = TcpStream::connect(("127.0.0.1", self.primary)) else { return };
        // Commands must arrive one by one, as without the proxy.
        for stream in [&replica, &primary] {
            stream.set_nodelay(true).expect("a socket");
        }
        let length = self.lengths.lock().expect("no panic").pop_front();
        let copy = |stream: &TcpStream| stream.try_clone().expect("a second handle");
        let (up, down) = ((copy(&replica), copy(&primary)), (copy(&primary), copy(&replica)));
        open.extend([replica, primary]);
        std::thread::spawn(move || pump(up.0, up.1, u64::MAX));
        let shared = Arc::clone(self);
        std::thread::spawn(move || {
            let was_cut = pump(down.0, down.1, length.unwrap_or(u64::MAX));
            shared.cuts.fetch_add(u64::from(was_cut), Ordering::SeqCst);
            shared.left.fetch_sub(u64::from(length.is_some()), Ordering::SeqCst);
        });
    }

    fn close_all(&self) {
        for stream in self.open.lock().expect("no panic").drain(..) {
            let _already_closed = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Forwards this many bytes, then closes both ends; returns whether the limit was reached.
fn pump(mut from: TcpStream, mut to: TcpStream, mut left: u64) -> bool {
    let mut bytes = [0; 16 * 1024];
    while left > 0 {
        let Ok(read @ 1..) = from.read(&mut bytes) else { break };
        let passed = read.min(usize::try_from(left).unwrap_or(usize::MAX));
        if to.write_all(&bytes[..passed]).is_err() {
            break;
        }
        left -= passed as u64;
    }
    let _already_closed = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    left == 0
}
