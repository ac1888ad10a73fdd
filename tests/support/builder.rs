//! How a server is to be started: its arguments, what it loads, and the program it runs under.

use std::time::Duration;

use crate::server::{Server, module_path, repository};

/// How long a server may take to start or to end; nothing of a test's size takes it this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How the process of a server is made, each time it is started.
pub(crate) struct Way {
    pub args: Vec<String>,
    pub clustered: bool,
    /// Listens with TLS as well, on a port of its own, by a certificate for this name.
    pub tls: Option<&'static str>,
    /// The program in whose hands it is, with its arguments.
    pub under: Vec<String>,
    pub environment: Vec<(&'static str, &'static str)>,
    pub patience: Duration,
}

/// How a server is to be started.
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
            patience: PATIENCE,
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

    /// Words behind the module's path in `loadmodule`.
    pub fn module_arg(mut self, arg: impl Into<String>) -> Self {
        self.module_args.push(arg.into());
        self
    }

    /// Makes it a node of a cluster; [`Cluster`](crate::Cluster) makes one of several. The bus gets a free port as well: the
    /// usual one, 10,000 above, may be out of range.
    pub fn clustered(mut self) -> Self {
        self.way.clustered = true;
        self
    }

    /// Listens with TLS as well, by a certificate that [`Server::authority`] has signed and that names 127.0.0.1 alone.
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

    /// Starts the server by another program, which gets the server's own words behind these and must become its process.
    pub(crate) fn under(mut self, words: Vec<String>) -> Self {
        self.way.under = words;
        self
    }

    pub(crate) fn environment(mut self, name: &'static str, value: &'static str) -> Self {
        self.way.environment.push((name, value));
        self
    }

    /// Waits so long for its start and its end, where 30 s are too few.
    pub(crate) fn patience(mut self, patience: Duration) -> Self {
        self.way.patience = patience;
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
