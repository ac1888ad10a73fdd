//! Starts, stops and kills a redis-server with the module.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::builder::{Builder, TIMEOUT, Way};
use crate::certificates;
use crate::client::Client;
use crate::signals::{Signal, send_signal};

/// The project's root folder.
pub fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The module that the tests load: the one built beside them. A documentation example is built
/// elsewhere, and uses the debug build. A soak about cost names a release build in
/// `REDIS_STATE_MODULE`.
pub fn module_path() -> PathBuf {
    if let Some(path) = std::env::var_os("REDIS_STATE_MODULE") {
        return path.into();
    }
    let name = format!("{}redis_state{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let exe = std::env::current_exe().expect("a test knows its own path");
    let beside = exe.ancestors().nth(2).expect("target/<profile>/deps/<test>").join(&name);
    let debug = repository().join("target/debug").join(&name);
    let found = [&beside, &debug].into_iter().find(|path| path.exists());
    found.cloned().unwrap_or_else(|| panic!("{} is missing: `make test` builds it", beside.display()))
}

/// What Redis logs when it gives up an RDB file. Then it looks for the reason; 7.0.15 never ends if
/// the file stops inside a module's value (neither does `redis-check-rdb`).
const GIVEN_UP: &str = "Internal error in RDB reading";

/// Settings by which a replica may differ from its primary: effects are replicated, so none of them
/// matters.
pub const CONFIGURED_OTHERWISE: [(&str, &str); 10] = [
    ("snapshots", "2"),
    ("labels", "1"),
    ("audit", "no"),
    ("audit-maxlen", "3"),
    ("audit-ttl", "60"),
    ("default-ttl", "7"),
    ("max-bytes", "1024"),
    ("max-depth", "3"),
    ("max-cost", "1000000"),
    ("audit-patch-bytes", "10"),
];

/// A running redis-server, killed when dropped.
pub struct Server {
    child: Option<Child>,
    port: u16,
    tls_port: u16,
    dir: TempDir,
    way: Way,
}

impl Server {
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub fn start() -> Server {
        Server::builder().start()
    }

    pub(crate) fn started(way: Way) -> Server {
        let dir = tempfile::Builder::new().prefix("redis-state-").tempdir().expect("a temporary folder");
        if let Some(name) = way.tls {
            certificates::write(dir.path(), name);
        }
        let mut server = Server { child: None, port: 0, tls_port: 0, dir, way };
        server.launch();
        server
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address for a Redis client.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Its address with TLS, after [`Builder::tls`].
    pub fn tls_url(&self) -> String {
        assert!(self.way.tls.is_some(), "a server without TLS");
        format!("rediss://127.0.0.1:{}/", self.tls_port)
    }

    /// The authority's certificate (a PEM file), which a client of [`Server::tls_url`] must trust.
    pub fn authority(&self) -> PathBuf {
        self.dir.path().join(certificates::AUTHORITY)
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The process ID: unchanged means that the server has not restarted.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("the server runs").id()
    }

    pub fn client(&self) -> Client {
        Client::connect(self.port).expect("the server accepts")
    }

    /// The log so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("server.log")).unwrap_or_default()
    }

    /// Makes this server a replica of `primary` and waits until the link is up.
    pub fn follow(&self, primary: &Server) {
        let mut client = self.client();
        client.ok(&["REPLICAOF", "127.0.0.1", &primary.port.to_string()]);
        wait_until("the replica's link is up", || {
            client.text(&["INFO", "replication"]).contains("master_link_status:up")
        });
    }

    /// Waits until `self`, a replica, has applied everything that `primary` has sent.
    pub fn catch_up(&self, primary: &Server) {
        let offset =
            |client: &mut Client, name| client.info("replication", name).parse::<u64>().expect("a number");
        let (mut here, mut there) = (self.client(), primary.client());
        let target = offset(&mut there, "master_repl_offset");
        wait_until("the replica has caught up", || offset(&mut here, "slave_repl_offset") >= target);
    }

    /// Shuts the server down cleanly and starts it again with the same folder and arguments.
    pub fn restart(&mut self) {
        self.shut_down();
        self.launch();
    }

    /// Shuts the server down cleanly, and waits for its process to end.
    pub fn shut_down(&mut self) {
        let mut client = self.client();
        client.send(&["SHUTDOWN", "NOW", "FORCE"]);
        let _closed = client.try_read();
        let Some(mut child) = self.child.take() else { return };
        wait_until_for(self.way.timeout, "the server exits", || {
            child.try_wait().expect("a child of this process").is_some()
        });
    }

    /// Kills the server with SIGKILL, as a crash or the out-of-memory killer does.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _already_ended = child.kill();
            let _status = child.wait();
        }
    }

    /// Stops the process with SIGSTOP: it does nothing, and its sockets stay open.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Resumes the process after [`Server::freeze`].
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        send_signal(self.child.as_ref().expect("the server runs"), signal);
    }

    /// Starts the server again after [`Server::kill`].
    pub fn start_again(&mut self) {
        self.launch();
    }

    /// Changes the arguments of the next start: a later `--name value` overrides an earlier one.
    pub fn set_arg(&mut self, name: &str, value: &str) {
        self.way.args.push(name.into());
        self.way.args.push(value.into());
    }

    /// As [`Server::start_again`] with files that may be damaged: the server starts, or exits with
    /// an error in its log, which is returned. A crash fails the test.
    #[track_caller]
    pub fn try_start_again(&mut self) -> Result<(), String> {
        let log = self.dir.path().join("server.log");
        let _none_yet = std::fs::remove_file(log);
        let Some(status) = self.launch_on_a_free_port() else { return Ok(()) };
        let log = self.log();
        // After a signal there is no exit code. Redis exits with 0 when only the module's part of
        // the file is damaged.
        assert!(status.code().is_some() || log.contains(GIVEN_UP), "the server exits without a crash: {log}");
        assert!(!log.contains("crashed by signal") && !log.contains("panic"), "{log}");
        Err(log)
    }

    fn launch(&mut self) {
        if self.launch_on_a_free_port().is_some() {
            panic!("redis-server does not start: {}", self.log());
        }
    }

    /// The exit status if it did not start.
    fn launch_on_a_free_port(&mut self) -> Option<ExitStatus> {
        // Another process may take the free port before the server binds it: then try the next one.
        for _ in 0..20 {
            self.port = free_port();
            let logged_before = self.log().len();
            let ended = self.try_launch(logged_before);
            if ended.is_none() || !self.log()[logged_before..].contains("Address already in use") {
                return ended;
            }
        }
        panic!("redis-server finds no port: {}", self.log());
    }

    /// The exit status if it did not start.
    fn try_launch(&mut self, logged_before: usize) -> Option<ExitStatus> {
        let tls_args = self.tls_args();
        let mut words = self.way.under.iter().map(String::as_str).chain(["redis-server"]);
        let mut child = Command::new(words.next().expect("at least the server"))
            .args(words)
            .args(["--port", &self.port.to_string()])
            .args(["--bind", "127.0.0.1", "--save", "", "--enable-debug-command", "local"])
            .args(["--repl-diskless-sync-delay", "0", "--logfile", "server.log", "--loglevel", "verbose"])
            .arg("--dir")
            .arg(self.dir.path())
            .args(&self.way.args)
            .args(self.cluster_args())
            .args(tls_args)
            .env_remove("RUST_BACKTRACE")
            .envs(self.way.environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server is installed: `make test` does that");
        let deadline = Instant::now() + self.way.timeout;
        while Instant::now() < deadline {
            let ended = child.try_wait().expect("a child of this process");
            if ended.is_some() {
                return ended;
            }
            if self.log()[logged_before..].contains(GIVEN_UP) {
                let _already_ended = child.kill();
                return Some(child.wait().expect("a child of this process"));
            }
            if self.answers(child.id()) {
                self.child = Some(child);
                return None;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _already_ended = child.kill();
        let _status = child.wait();
        panic!("redis-server does not answer: {}", self.log());
    }

    fn tls_args(&mut self) -> Vec<String> {
        if self.way.tls.is_none() {
            return Vec::new();
        }
        self.tls_port = free_port();
        let port = self.tls_port.to_string();
        // The server resolves relative names in its folder.
        ["--tls-port", &port, "--tls-auth-clients", "no", "--tls-cert-file", certificates::SERVER]
            .into_iter()
            .chain([
                "--tls-key-file",
                certificates::SERVER_KEY,
                "--tls-ca-cert-file",
                certificates::AUTHORITY,
            ])
            .map(str::to_owned)
            .collect()
    }

    fn cluster_args(&self) -> Vec<String> {
        if !self.way.clustered {
            return Vec::new();
        }
        ["--cluster-enabled", "yes", "--cluster-port", &free_port().to_string()].map(str::to_owned).into()
    }

    /// Whether this server answers: another test's server may have taken the port.
    fn answers(&self, pid: u32) -> bool {
        // It listens before it loads, so it may accept and then exit without a reply.
        let Ok(mut client) = Client::connect(self.port) else { return false };
        let Ok(()) = client.waits(Duration::from_millis(500)) else { return false };
        let is_ours = |info: &str| info.lines().any(|line| line == format!("process_id:{pid}"));
        matches!(client.try_call(&["PING"]), Ok(reply) if reply == crate::Reply::Simple("PONG".into()))
            && matches!(client.try_call(&["INFO", "server"]), Ok(reply) if is_ours(reply.text()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port that is free now; another process may take it next.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("a bound socket has an address").port()
}

/// Polls `done` until it is true; fails the test after 30 s.
#[track_caller]
pub fn wait_until(what: &str, done: impl FnMut() -> bool) {
    wait_until_for(TIMEOUT, what, done);
}

#[track_caller]
fn wait_until_for(timeout: Duration, what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + timeout;
    while !done() {
        assert!(Instant::now() < deadline, "timeout after {timeout:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
