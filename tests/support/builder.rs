//! How a server is started: its arguments, what it loads, and the program that it runs under.

use std::time::Duration;

use crate::server::{Server, module_path, repository};

/// The maximum time for a server to start or stop; ample for the data of any test.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// Everything needed to start the process again.
pub(crate) struct Way {
    pub args: Vec<String>,
    pub clustered: bool,
    /// Listens with TLS as well, on a second port, with a certificate for this name.
    pub tls: Option<&'static str>,
    /// The program, with its arguments, that runs the server.
    pub under: Vec<String>,
    pub environment: Vec<(&'static str, &'static str)>,
    pub timeout: Duration,
}

/// Configures and starts a server.
pub struct Builder {
    way: Way,
    module_args: Vec<String>,
    schemas: bool,
}

impl Default for Builder {
    fn default() -> Builder {
        let way = Way {
            args: Vec::new(),
            clustered: false,
            tls: None,
            under: Vec::new(),
            environment: Vec::new(),
            timeout: TIMEOUT,
        };
        Builder { way, module_args: Vec::new(), schemas: true }
    }
}

impl Builder {
    /// One more argument of redis-server, such as `--appendonly`.
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.way.args.push(arg.into());
        self
    }

    /// An argument of the module, after its path in `loadmodule`.
    pub fn module_arg(mut self, arg: impl Into<String>) -> Self {
        self.module_args.push(arg.into());
        self
    }

    /// Makes it a cluster node; [`Cluster`](crate::Cluster) builds a cluster. The bus gets a free
    /// port too: the usual one, 10,000 above, may be out of range.
    pub fn clustered(mut self) -> Self {
        self.way.clustered = true;
        self
    }

    /// Listens with TLS as well, with a certificate for 127.0.0.1, signed by [`Server::authority`].
    pub fn tls(self) -> Self {
        self.tls_for("127.0.0.1")
    }

    /// The same with another name in the certificate.
    pub fn tls_for(mut self, name: &'static str) -> Self {
        self.way.tls = Some(name);
        self
    }

    /// Leaves `state.schema-dir` empty: the server starts without a schema.
    pub fn without_schemas(mut self) -> Self {
        self.schemas = false;
        self
    }

    /// Starts the server by another program, which gets the server's command line as its last
    /// arguments and must become its process.
    pub(crate) fn under(mut self, words: Vec<String>) -> Self {
        self.way.under = words;
        self
    }

    pub(crate) fn environment(mut self, name: &'static str, value: &'static str) -> Self {
        self.way.environment.push((name, value));
        self
    }

    /// The maximum time to start and stop, where 30 s are too few.
    pub(crate) fn timeout(mut self, timeout: Duration) -> Self {
        self.way.timeout = timeout;
        self
    }

    pub fn start(mut self) -> Server {
        let args = &mut self.way.args;
        args.push("--loadmodule".into());
        args.push(module_path().display().to_string());
        args.extend(self.module_args);
        if self.schemas {
            args.push("--state.schema-dir".into());
            args.push(repository().join("schemas").display().to_string());
        }
        Server::started(self.way)
    }
}
