//! STATE.VALIDATE and STATE.SCHEMA. In a cluster each primary has its own schemas:
//! [`sync_schemas`](crate::States::sync_schemas) sends to all of them, these requests to the node
//! of the connection.

use std::sync::LazyLock;

use super::Request;
use super::line::CommandLine;
use crate::resend::Resend;

/// STATE.VALIDATE: checks a document against a schema; nothing is stored.
///
/// Its error is [`Invalid`](crate::ErrorKind::Invalid), with every violation.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_client::{Validate, connect};
///
/// let mut states = connect(url).await?;
/// let error =
///     states.send(&Validate::new("vimbiso.channel", r#"{"current":{}}"#)).await.unwrap_err();
/// assert!(error.violations().iter().any(|violation| violation.pointer == "/current"));
/// # Ok(()) });
/// ```
#[derive(Clone, Debug)]
pub struct Validate {
    line: CommandLine,
}

impl Validate {
    /// Checks the JSON text of a document against the schema of this name.
    pub fn new(schema: impl Into<String>, json: impl Into<String>) -> Validate {
        Validate { line: CommandLine::new("STATE.VALIDATE", Resend::Safe).text(schema).text(json) }
    }
}

request!(Validate -> ());

/// STATE.SCHEMA SET: stores a schema under a name; a changed text makes a new revision,
/// which is the reply.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_client::{
///     SchemaBind, SchemaDel, SchemaGet, SchemaList, SchemaSet, SchemaUnbind, connect,
/// };
///
/// let mut states = connect(url).await?;
/// let text = r#"{"required":["handle"]}"#;
/// assert_eq!(states.send(&SchemaSet::new("bot.offer", text)).await?, 1);
/// states.send(&SchemaBind::new("offer:*", "bot.offer")).await?;
///
/// assert_eq!(states.send(&SchemaGet::new("bot.offer")).await?.as_deref(), Some(text));
/// let listed = states.send(&SchemaList).await?;
/// let offer = listed.iter().find(|schema| schema.name == "bot.offer").expect("it is listed");
/// assert_eq!((offer.revision, offer.bindings.as_slice()), (1, ["offer:*".to_owned()].as_slice()));
///
/// assert!(states.send(&SchemaUnbind::new("offer:*")).await?);
/// states.send(&SchemaDel::new("bot.offer")).await?;
/// # Ok(()) });
/// ```
#[derive(Clone, Debug)]
pub struct SchemaSet {
    line: CommandLine,
}

impl SchemaSet {
    /// The schema's name and its JSON text.
    pub fn new(schema: impl Into<String>, json: impl Into<String>) -> SchemaSet {
        SchemaSet { line: CommandLine::new("STATE.SCHEMA SET", Resend::Safe).text(schema).text(json) }
    }
}

request!(SchemaSet -> u64);

/// STATE.SCHEMA GET: the text of a schema. See [`SchemaSet`] for an example.
#[derive(Clone, Debug)]
pub struct SchemaGet {
    line: CommandLine,
}

impl SchemaGet {
    /// The schema's name.
    pub fn new(schema: impl Into<String>) -> SchemaGet {
        SchemaGet { line: CommandLine::new("STATE.SCHEMA GET", Resend::Safe).text(schema) }
    }
}

request!(SchemaGet -> Option<String>);

/// STATE.SCHEMA LIST: the schemas of a server. See [`SchemaSet`] for an example.
#[derive(Clone, Copy, Debug)]
pub struct SchemaList;

impl Request for SchemaList {
    type Reply = Vec<SchemaInfo>;

    fn line(&self) -> &CommandLine {
        static LIST: LazyLock<CommandLine> =
            LazyLock::new(|| CommandLine::new("STATE.SCHEMA LIST", Resend::Safe));
        &LIST
    }
}

/// A schema of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaInfo {
    /// Its name.
    pub name: String,
    /// Increases with each new text; 0 for one that is bound but missing.
    pub revision: u64,
    /// The length of its text.
    pub bytes: u64,
    /// The number of states that use it, in all databases.
    pub states: u64,
    /// The patterns bound to it.
    pub bindings: Vec<String>,
}

from_map!(SchemaInfo { name, revision, bytes, states, bindings });

/// STATE.SCHEMA DEL: deletes a schema. See [`SchemaSet`] for an example.
#[derive(Clone, Debug)]
pub struct SchemaDel {
    line: CommandLine,
}

impl SchemaDel {
    /// The schema's name. One in use by states or bindings is not deleted:
    /// [`BadSchema`](crate::ErrorKind::BadSchema).
    pub fn new(schema: impl Into<String>) -> SchemaDel {
        SchemaDel { line: CommandLine::new("STATE.SCHEMA DEL", Resend::Never).text(schema) }
    }

    /// `FORCE`: also while states or bindings use it; their next write returns NOSCHEMA.
    pub fn force(mut self) -> Self {
        self.line.set_flag("FORCE");
        self
    }
}

request!(SchemaDel -> ());

/// STATE.SCHEMA BIND: applies a schema to every key that matches a pattern. See [`SchemaSet`] for
/// an example.
#[derive(Clone, Debug)]
pub struct SchemaBind {
    line: CommandLine,
}

impl SchemaBind {
    /// A pattern as in KEYS, and the schema's name.
    pub fn new(pattern: impl Into<String>, schema: impl Into<String>) -> SchemaBind {
        SchemaBind { line: CommandLine::new("STATE.SCHEMA BIND", Resend::Safe).text(pattern).text(schema) }
    }
}

request!(SchemaBind -> ());

/// STATE.SCHEMA UNBIND: removes a binding; false without one. See [`SchemaSet`] for an example.
#[derive(Clone, Debug)]
pub struct SchemaUnbind {
    line: CommandLine,
}

impl SchemaUnbind {
    /// The pattern.
    pub fn new(pattern: impl Into<String>) -> SchemaUnbind {
        SchemaUnbind { line: CommandLine::new("STATE.SCHEMA UNBIND", Resend::Never).text(pattern) }
    }
}

request!(SchemaUnbind -> bool);
