//! A proxy that makes an example lose every race: before each command with a certain word, it
//! commits another update.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use support::{Client, Server};

pub struct Rush {
    port: u16,
    times: Arc<AtomicUsize>,
}

impl Rush {
    /// Listens on a free port, and changes the state at `key` before each command that contains
    /// `word`.
    pub fn before(server: &Server, key: &'static str, word: &'static str) -> Rush {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let times = Arc::new(AtomicUsize::new(0));
        let (server_port, counted) = (server.port(), times.clone());
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.expect("an example connects");
                let server = TcpStream::connect(("127.0.0.1", server_port)).expect("the server accepts");
                let replies = (server.try_clone().expect("a socket"), client.try_clone().expect("a socket"));
                thread::spawn(move || pass(replies.0, replies.1, |_| {}));
                let counted = counted.clone();
                let mut ahead = Client::connect(server_port).expect("the server accepts");
                let mut seen = Vec::new();
                thread::spawn(move || {
                    pass(client, server, |bytes| {
                        let known = occurrences(&seen, word);
                        seen.extend_from_slice(bytes);
                        for _ in known..occurrences(&seen, word) {
                            let number = counted.fetch_add(1, Ordering::SeqCst);
                            let change = format!(r#"{{"active_account_id":"{number}"}}"#);
                            ahead.ok(&["STATE.UPDATE", key, "*", &change]);
                        }
                    });
                });
            }
        });
        Rush { port, times }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// How often the word was seen.
    pub fn times(&self) -> usize {
        self.times.load(Ordering::SeqCst)
    }
}

fn occurrences(bytes: &[u8], word: &str) -> usize {
    bytes.windows(word.len()).filter(|window| *window == word.as_bytes()).count()
}

/// Forwards bytes until one side closes; `look` sees them first.
fn pass(mut from: TcpStream, mut to: TcpStream, mut look: impl FnMut(&[u8])) {
    let mut bytes = [0; 4096];
    while let Ok(len @ 1..) = from.read(&mut bytes) {
        look(&bytes[..len]);
        if to.write_all(&bytes[..len]).is_err() {
            break;
        }
    }
    let _already_closed = to.shutdown(Shutdown::Both);
}
