//! A client for RESP2 and RESP3 that hides nothing: an error is the line that the server sent.

use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A reply as received.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// `$-1`, `*-1` or `_`.
    Nil,
    Int(i64),
    Double(f64),
    Bool(bool),
    /// `+OK`
    Simple(String),
    Bulk(Vec<u8>),
    /// The whole line after `-`, prefix included.
    Error(String),
    Array(Vec<Reply>),
    /// RESP3 only; in RESP2 a map is an array of twice the length.
    Map(Vec<(Reply, Reply)>),
}

impl Reply {
    /// The text of a simple or bulk string.
    #[track_caller]
    pub fn text(&self) -> &str {
        match self {
            Reply::Simple(text) => text,
            Reply::Bulk(bytes) => std::str::from_utf8(bytes).expect("a reply that is text"),
            other => panic!("expected text, got {other:?}"),
        }
    }

    #[track_caller]
    pub fn int(&self) -> i64 {
        match self {
            Reply::Int(number) => *number,
            other => panic!("expected an integer, got {other:?}"),
        }
    }

    #[track_caller]
    pub fn array(&self) -> &[Reply] {
        match self {
            Reply::Array(items) => items,
            other => panic!("expected an array, got {other:?}"),
        }
    }

    /// The value under `name` in a map, in either protocol.
    #[track_caller]
    pub fn field(&self, name: &str) -> &Reply {
        let found = match self {
            Reply::Map(pairs) => pairs.iter().find(|(key, _)| key.text() == name).map(|(_, value)| value),
            Reply::Array(items) => items.chunks(2).find(|pair| pair[0].text() == name).map(|pair| &pair[1]),
            other => panic!("expected a map, got {other:?}"),
        };
        found.unwrap_or_else(|| panic!("no field {name} in {self:?}"))
    }

    /// The field names of a map, in the order of the reply.
    #[track_caller]
    pub fn field_names(&self) -> Vec<String> {
        match self {
            Reply::Map(pairs) => pairs.iter().map(|(key, _)| key.text().to_owned()).collect(),
            Reply::Array(items) => items.chunks(2).map(|pair| pair[0].text().to_owned()).collect(),
            other => panic!("expected a map, got {other:?}"),
        }
    }

    pub fn is_nil(&self) -> bool {
        matches!(self, Reply::Nil)
    }
}

/// Shows the texts at every depth, so that a test can search a whole reply.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reply::Nil => f.write_str("(nil)"),
            Reply::Int(number) => write!(f, "{number}"),
            Reply::Double(number) => write!(f, "{number}"),
            Reply::Bool(yes) => write!(f, "{yes}"),
            Reply::Simple(text) => f.write_str(text),
            Reply::Error(text) => write!(f, "-{text}"),
            Reply::Bulk(bytes) => f.write_str(&String::from_utf8_lossy(bytes)),
            Reply::Array(items) => {
                let shown: Vec<String> = items.iter().map(Reply::to_string).collect();
                write!(f, "[{}]", shown.join(", "))
            }
            Reply::Map(pairs) => {
                let shown: Vec<String> =
                    pairs.iter().map(|(name, value)| format!("{name}: {value}")).collect();
                write!(f, "{{{}}}", shown.join(", "))
            }
        }
    }
}

/// Splits a command line at spaces, such as `STATE.META channel:+263…`.
pub fn words(line: &str) -> Vec<Vec<u8>> {
    line.split_whitespace().map(|word| word.as_bytes().to_vec()).collect()
}

/// One connection to one server.
pub struct Client {
    reader: BufReader<TcpStream>,
}

impl Client {
    pub fn connect(port: u16) -> std::io::Result<Client> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        // Longer than any reply takes: a hanging server fails the test, not the whole run.
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Client { reader: BufReader::new(stream) })
    }

    /// Sets the longest wait for a reply.
    pub fn waits(&self, longest: Duration) -> std::io::Result<()> {
        self.reader.get_ref().set_read_timeout(Some(longest))
    }

    /// Sends one command and reads its reply, errors included.
    #[track_caller]
    pub fn call<A: AsRef<[u8]>>(&mut self, args: &[A]) -> Reply {
        self.send(args);
        self.read()
    }

    /// As [`Client::call`], for a server that may have stopped.
    pub fn try_call<A: AsRef<[u8]>>(&mut self, args: &[A]) -> std::io::Result<Reply> {
        self.reader.get_mut().write_all(&encoded(args))?;
        self.try_read()
    }

    /// As [`Client::call`]; an error reply fails the test.
    #[track_caller]
    pub fn ok<A: AsRef<[u8]>>(&mut self, args: &[A]) -> Reply {
        match self.call(args) {
            Reply::Error(line) => panic!("{} answered -{line}", shown(args)),
            reply => reply,
        }
    }

    /// As [`Client::call`]; returns the error line, and fails the test on any other reply.
    #[track_caller]
    pub fn err<A: AsRef<[u8]>>(&mut self, args: &[A]) -> String {
        match self.call(args) {
            Reply::Error(line) => line,
            reply => panic!("{} answered {reply:?}, not an error", shown(args)),
        }
    }

    /// The reply as text.
    #[track_caller]
    pub fn text<A: AsRef<[u8]>>(&mut self, args: &[A]) -> String {
        self.ok(args).text().to_owned()
    }

    /// The value of a field of INFO.
    #[track_caller]
    pub fn info(&mut self, section: &str, name: &str) -> String {
        let info = self.text(&["INFO", section]);
        let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap_or_else(|| panic!("no {name} in INFO {section}: {info}")).trim().to_owned()
    }

    /// `[etag, document]` of a state.
    #[track_caller]
    pub fn state(&mut self, key: &str) -> (String, String) {
        let reply = self.ok(&["STATE.GET", key]);
        let items = reply.array();
        (items[0].text().to_owned(), items[1].text().to_owned())
    }

    /// The version in an etag.
    #[track_caller]
    pub fn version(etag: &str) -> u64 {
        let (version, digest) = etag.split_once('-').expect("an etag has a dash");
        assert_eq!(digest.len(), 16, "an etag ends in 16 hex digits: {etag}");
        version.parse().expect("an etag begins with a version")
    }

    /// Writes a command and does not wait for its reply.
    #[track_caller]
    pub fn send<A: AsRef<[u8]>>(&mut self, args: &[A]) {
        self.send_raw(&encoded(args));
    }

    /// Sends commands without waiting in between, and reads all their replies.
    #[track_caller]
    pub fn pipeline<C: AsRef<[A]>, A: AsRef<[u8]>>(&mut self, commands: &[C]) -> Vec<Reply> {
        let bytes: Vec<u8> = commands.iter().flat_map(|command| encoded(command.as_ref())).collect();
        self.send_raw(&bytes);
        commands.iter().map(|_| self.read()).collect()
    }

    /// Writes raw bytes.
    #[track_caller]
    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.reader.get_mut().write_all(bytes).expect("the server reads the bytes");
    }

    /// Reads one reply.
    #[track_caller]
    pub fn read(&mut self) -> Reply {
        self.try_read().expect("the server replies")
    }

    pub fn try_read(&mut self) -> std::io::Result<Reply> {
        let mut line = String::new();
        if self.reader.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end_matches(['\r', '\n']);
        let (kind, rest) = line.split_at(1);
        let number = || rest.parse::<i64>().map_err(std::io::Error::other);
        Ok(match kind {
            "+" => Reply::Simple(rest.to_owned()),
            "-" => Reply::Error(rest.to_owned()),
            ":" => Reply::Int(number()?),
            "," => Reply::Double(rest.parse().map_err(std::io::Error::other)?),
            "#" => Reply::Bool(rest == "t"),
            "_" => Reply::Nil,
            "$" | "=" => self.read_bulk(number()?)?,
            "*" | "~" | ">" => self.read_array(number()?)?,
            "%" => self.read_map(number()?)?,
            other => return Err(std::io::Error::other(format!("unknown reply type {other:?}"))),
        })
    }

    fn read_bulk(&mut self, len: i64) -> std::io::Result<Reply> {
        let Ok(len) = usize::try_from(len) else { return Ok(Reply::Nil) };
        let mut bytes = vec![0; len + 2];
        self.reader.read_exact(&mut bytes)?;
        bytes.truncate(len);
        Ok(Reply::Bulk(bytes))
    }

    fn read_array(&mut self, len: i64) -> std::io::Result<Reply> {
        if len < 0 {
            return Ok(Reply::Nil);
        }
        (0..len).map(|_| self.try_read()).collect::<Result<_, _>>().map(Reply::Array)
    }

    fn read_map(&mut self, len: i64) -> std::io::Result<Reply> {
        let pairs = (0..len).map(|_| Ok((self.try_read()?, self.try_read()?)));
        pairs.collect::<std::io::Result<_>>().map(Reply::Map)
    }
}

fn encoded<A: AsRef<[u8]>>(args: &[A]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        let arg = arg.as_ref();
        bytes.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        bytes.extend_from_slice(arg);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

fn shown<A: AsRef<[u8]>>(args: &[A]) -> String {
    args.iter().map(|arg| String::from_utf8_lossy(arg.as_ref()).into_owned()).collect::<Vec<_>>().join(" ")
}
