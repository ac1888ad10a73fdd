//! A sentinel that watches a primary and its replica.
//!
//! One sentinel with a quorum of one: the tests are about clients that ask a sentinel for the
//! primary, not about the sentinels' agreement.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::client::{Client, Reply};
use crate::server::{Server, free_port, wait_until};

/// A primary, its replica and a sentinel, stopped when dropped.
pub struct Sentinel {
    process: Child,
    port: u16,
    primary: Server,
    replica: Server,
    _dir: TempDir,
}

impl Sentinel {
    /// The primary's name.
    pub const NAME: &str = "states";

    /// Starts all three and waits until the sentinel knows both servers.
    pub fn start() -> Sentinel {
        let (primary, replica) = (Server::start(), Server::builder().without_schemas().start());
        replica.follow(&primary);
        let dir = tempfile::Builder::new().prefix("redis-sentinel-").tempdir().expect("a temporary folder");
        let (process, port) = launch(&dir, primary.port());
        let sentinel = Sentinel { process, port, primary, replica, _dir: dir };
        let mut client = sentinel.client();
        wait_until("the sentinel knows the replica", || {
            let replicas = client.ok(&["SENTINEL", "REPLICAS", Self::NAME]);
            let up = |replica: &Reply| {
                replica.field("flags").text() == "slave" && replica.field("master-link-status").text() == "ok"
            };
            matches!(replicas.array(), [replica] if up(replica))
        });
        sentinel
    }

    /// The sentinel's address.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// The present primary.
    pub fn primary(&self) -> &Server {
        let address = self.client().ok(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", Self::NAME]);
        let port: u16 = address.array()[1].text().parse().expect("a port");
        [&self.primary, &self.replica]
            .into_iter()
            .find(|server| server.port() == port)
            .expect("one of the two servers")
    }

    /// The server that was the replica at the start.
    pub fn replica(&self) -> &Server {
        &self.replica
    }

    /// Kills the server that was the primary at the start, with SIGKILL.
    pub fn kill_primary(&mut self) {
        self.primary.kill();
    }

    /// Sets how soon the sentinel takes an unresponsive primary for down; the default is ten
    /// seconds.
    pub fn notices_within(&self, longest: Duration) {
        let ms = longest.as_millis().to_string();
        self.client().ok(&["SENTINEL", "SET", Self::NAME, "down-after-milliseconds", &ms]);
    }

    /// Adds a user to the sentinel itself, and keeps the default user for the tests.
    pub fn add_user(&self, user: &str, password: &str) {
        self.client().ok(&["ACL", "SETUSER", user, "on", &format!(">{password}"), "allchannels", "+@all"]);
    }

    /// Makes the replica the primary, and the primary its replica; returns when both are.
    pub fn fail_over(&self) {
        let old = self.primary();
        let new = if old.port() == self.primary.port() { &self.replica } else { &self.primary };
        new.catch_up(old);
        let mut client = self.client();
        wait_until("the sentinel begins", || {
            client.call(&["SENTINEL", "FAILOVER", Self::NAME]) == Reply::Simple("OK".into())
        });
        wait_until("the sentinel names the other one", || self.primary().port() == new.port());
        wait_until("the old primary follows the new one", || {
            // The old primary closes its connections when it becomes a replica.
            let mut client = old.client();
            client.send(&["INFO", "replication"]);
            let follows = |info: &str| info.contains("role:slave") && info.contains("master_link_status:up");
            client.try_read().is_ok_and(|info| follows(info.text()))
        });
    }

    fn client(&self) -> Client {
        Client::connect(self.port).expect("the sentinel accepts")
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _already_gone = self.process.kill();
        let _status = self.process.wait();
    }
}

/// Starts the process, on another port if the first is taken.
fn launch(dir: &TempDir, primary: u16) -> (Child, u16) {
    for _ in 0..20 {
        let port = free_port();
        let name = Sentinel::NAME;
        // The sentinel writes what it learns to this file.
        let file = dir.path().join("sentinel.conf");
        let text = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\nlogfile sentinel.log\nsentinel monitor {name} 127.0.0.1 {primary} 1\n\
             sentinel down-after-milliseconds {name} 10000\nsentinel failover-timeout {name} 20000\n",
            dir.path().display()
        );
        std::fs::write(&file, text).expect("a file in a temporary folder");
        let mut process = Command::new("redis-server")
            .arg(&file)
            .arg("--sentinel")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server is installed: `make test` does that");
        let mut answers = false;
        wait_until("the sentinel answers, or gives up its port", || {
            answers = Client::connect(port).is_ok_and(|mut client| {
                client.send(&["PING"]);
                matches!(client.try_read(), Ok(Reply::Simple(_)))
            });
            answers || process.try_wait().expect("a child of this process").is_some()
        });
        if answers {
            return (process, port);
        }
    }
    panic!("redis-server --sentinel does not start");
}
