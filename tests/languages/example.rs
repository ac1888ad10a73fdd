//! Starts an example as a process, and waits for it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use support::{Server, module_path, repository, wait_until};

#[derive(Clone, Copy, Debug)]
pub enum Example {
    Python,
    Node,
    RedisCli,
    Rust,
}

/// A running example, killed when dropped.
pub struct Run {
    child: Child,
    printed: PathBuf,
    complaint: PathBuf,
}

/// The result of an example, with its standard output and error.
pub struct Ended {
    pub success: bool,
    pub printed: String,
    pub complaint: String,
}

impl Example {
    pub const ALL: [Example; 4] = [Example::Python, Example::Node, Example::RedisCli, Example::Rust];

    /// The example's default key; each example has another one.
    pub fn key(self) -> &'static str {
        match self {
            Example::Python => "channel:+263772000001",
            Example::Node => "channel:+263772000002",
            Example::RedisCli => "channel:+263772000003",
            Example::Rust => "channel:+263772000004",
        }
    }

    pub fn source(self) -> PathBuf {
        repository().join(match self {
            Example::Python => "examples/python/conversation.py",
            Example::Node => "examples/node/conversation.mjs",
            Example::RedisCli => "examples/redis-cli/conversation.sh",
            Example::Rust => "client/examples/conversation.rs",
        })
    }

    /// Starts the example in the server's folder, connected to `port`. `None` leaves an argument to
    /// its default.
    pub fn start(self, server: &Server, port: u16, key: Option<&str>, protocol: Option<u8>) -> Run {
        let (printed, complaint) = (server.dir().join("printed"), server.dir().join("complaint"));
        let mut command = self.command(server.dir());
        command.args(key).current_dir(server.dir());
        command.env("REDIS_STATE_URL", format!("redis://127.0.0.1:{port}/0"));
        match protocol {
            Some(protocol) => command.env("REDIS_STATE_PROTOCOL", protocol.to_string()),
            None => command.env_remove("REDIS_STATE_PROTOCOL"),
        };
        // Into files: a pipe that a grandchild keeps open would turn a failure into a hang.
        command.stdin(Stdio::null());
        command.stdout(File::create(&printed).expect("a file in the server's folder"));
        command.stderr(File::create(&complaint).expect("a file in the server's folder"));
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Run { child, printed, complaint }
    }

    fn command(self, dir: &Path) -> Command {
        match self {
            Example::Python => {
                let mut command = Command::new(installed("python/bin/python"));
                command.arg(self.source());
                command
            }
            // Node resolves packages in the folders above the program, so the program is copied to
            // one that has them.
            Example::Node => {
                let program = dir.join("conversation.mjs");
                fs::copy(self.source(), &program).expect("the example is there");
                std::os::unix::fs::symlink(installed("node/node_modules"), dir.join("node_modules"))
                    .expect("a link in the server's folder");
                let mut command = Command::new("node");
                command.arg(program);
                command
            }
            Example::RedisCli => Command::new(self.source()),
            // Built with the tests, beside the module.
            Example::Rust => Command::new(module_path().with_file_name("examples").join("conversation")),
        }
    }
}

/// The path of something that scripts/clients.sh installs.
#[track_caller]
fn installed(path: &str) -> PathBuf {
    let path = repository().join("target/clients").join(path);
    assert!(path.exists(), "{} is missing: run `make test`, or scripts/clients.sh alone", path.display());
    path
}

impl Run {
    /// Waits for the end, with a timeout.
    #[track_caller]
    pub fn end(mut self) -> Ended {
        let mut status = None;
        wait_until("the example ends", || {
            status = self.child.try_wait().expect("a child of this process");
            status.is_some()
        });
        let text = |path| fs::read_to_string(path).expect("an example writes text");
        Ended {
            success: status.is_some_and(|status| status.success()),
            printed: text(&self.printed),
            complaint: text(&self.complaint),
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// The text with the digest of each etag replaced, since it differs in each run.
pub fn masked(text: &str) -> String {
    let mask = |word: &str| match word.split_once('-') {
        Some((version, digest))
            if digest.len() == 16
                && version.bytes().all(|byte| byte.is_ascii_digit())
                && digest.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
        {
            format!("{version}-<digest>")
        }
        _ => word.to_owned(),
    };
    let line = |line: &str| line.split(' ').map(mask).collect::<Vec<_>>().join(" ") + "\n";
    text.lines().map(line).collect()
}
