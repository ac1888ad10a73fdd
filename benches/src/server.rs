//! A redis-server of the bench's own: release module, a free port, a temporary folder, no persistence.
//!
//! The starter of the tests was not taken: it brings their client and loads the debug module that stands beside a test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take to start, and a reply to come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server; killed, and its folder removed, when it goes out of scope, a panic included.
pub struct Server {
    child: Child,
    port: u16,
    dir: PathBuf,
}

impl Server {
    pub fn start(module: &Path) -> Result<Server, String> {
        let dir = std::env::temp_dir().join(format!("redis-state-bench-{}", std::process::id()));
        std::fs::create_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
        let port = free_port().map_err(|error| format!("no free port: {error}"))?;
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--logfile", "server.log", "--dir"])
            .arg(&dir)
            .arg("--loadmodule")
            .arg(module)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| format!("redis-server: {error}"))?;
        let mut server = Server { child, port, dir };
        server.wait_until_ready()?;
        Ok(server)
    }

    fn wait_until_ready(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let gone = self.child.try_wait().map_err(|error| error.to_string())?;
            if gone.is_some() || Instant::now() > deadline {
                let log = std::fs::read_to_string(self.dir.join("server.log")).unwrap_or_default();
                return Err(format!("redis-server does not start:\n{log}"));
            }
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// A fresh connection.
    pub fn connect(&self) -> Result<TcpStream, String> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        // A server that hangs shall end the bench, not stop it for ever.
        stream.set_read_timeout(Some(PATIENCE)).map_err(|error| error.to_string())?;
        Ok(stream)
    }

    /// Sends one command whose reply is a line or a bulk string, and returns that; an error reply is an `Err`.
    pub fn call(&self, args: &[&[u8]]) -> Result<String, String> {
        let mut stream = self.connect()?;
        let mut request = Vec::new();
        encode(args, &mut request);
        stream.write_all(&request).map_err(|error| error.to_string())?;
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).map_err(|error| error.to_string())?;
        let line = line.trim_end();
        if let Some(error) = line.strip_prefix('-') {
            return Err(error.to_owned());
        }
        let Some(len) = line.strip_prefix('$').and_then(|len| len.parse().ok()) else {
            return Ok(line.to_owned());
        };
        let mut bulk = vec![0; len];
        reader.read_exact(&mut bulk).map_err(|error| error.to_string())?;
        Ok(String::from_utf8_lossy(&bulk).into_owned())
    }

    /// The processor time that the server has used so far.
    pub fn cpu(&self) -> Result<Duration, String> {
        let info = self.call(&[b"INFO", b"cpu"])?;
        let seconds = |name: &str| {
            let value = info.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            value.trim().parse::<f64>().map_err(|error| format!("INFO {name} {value}: {error}"))
        };
        Ok(Duration::from_secs_f64(seconds("used_cpu_sys:")? + seconds("used_cpu_user:")?))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Whatever fails here, the server is gone or was never there.
        let _already_gone = self.child.kill();
        let _status = self.child.wait();
        let _nothing_left = std::fs::remove_dir_all(&self.dir);
    }
}

/// Appends one command as it goes over the wire.
pub fn encode(args: &[&[u8]], request: &mut Vec<u8>) {
    request.extend_from_slice(format!("*{}\r\n", args.len()).as_bytes());
    for arg in args {
        request.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        request.extend_from_slice(arg);
        request.extend_from_slice(b"\r\n");
    }
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
