//! STATE.VALIDATE and STATE.SCHEMA. In a cluster each primary has its own schemas:
//! [`sync_schemas`](crate::States::sync_schemas) sends to all of them, these requests to the node
//! of the connection.

use redis::{Cmd, Value};

use super::{Request, Resend};
use crate::decode::{self, Fields};
use crate::error::Result;

/// A request about schemas has no key.
macro_rules! schema_request {
    ($name:literal, $resend:ident, $reply:ty) => {
        type Reply = $reply;

        fn name(&self) -> &'static str {
            $name
        }

        fn key(&self) -> Option<&str> {
            None
        }

        fn resend(&self) -> Resend {
            Resend::$resend
        }
    };
}

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
    schema: String,
    json: String,
}

impl Validate {
    /// Checks the JSON text of a document against the schema of this name.
    pub fn new(schema: impl Into<String>, json: impl Into<String>) -> Validate {
        Validate { schema: schema.into(), json: json.into() }
    }
}

impl Request for Validate {
    schema_request!("STATE.VALIDATE", Safe, ());

    fn command(&self) -> Cmd {
        let mut command = redis::cmd("STATE.VALIDATE");
        command.arg(&self.schema).arg(&self.json);
        command
    }

    fn reply(&self, _ok: Value) -> Result<()> {
        Ok(())
    }
}

/// STATE.SCHEMA SET: stores a schema under a name; a changed text makes a new revision.
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
    schema: String,
    json: String,
}

impl SchemaSet {
    /// The schema's name and its JSON text.
    pub fn new(schema: impl Into<String>, json: impl Into<String>) -> SchemaSet {
        SchemaSet { schema: schema.into(), json: json.into() }
    }
}

impl Request for SchemaSet {
    schema_request!("STATE.SCHEMA SET", Safe, u64);

    fn command(&self) -> Cmd {
        subcommand("SET", &[&self.schema, &self.json])
    }

    /// The revision.
    fn reply(&self, value: Value) -> Result<u64> {
        decode::number(value)
    }
}

/// STATE.SCHEMA GET: the text of a schema. See [`SchemaSet`] for an example.
#[derive(Clone, Debug)]
pub struct SchemaGet {
    schema: String,
}

impl SchemaGet {
    /// The schema's name.
    pub fn new(schema: impl Into<String>) -> SchemaGet {
        SchemaGet { schema: schema.into() }
    }
}

impl Request for SchemaGet {
    schema_request!("STATE.SCHEMA GET", Safe, Option<String>);

    fn command(&self) -> Cmd {
        subcommand("GET", &[&self.schema])
    }

    fn reply(&self, value: Value) -> Result<Option<String>> {
        decode::value(value)
    }
}

/// STATE.SCHEMA LIST: the schemas of a server. See [`SchemaSet`] for an example.
#[derive(Clone, Copy, Debug)]
pub struct SchemaList;

impl Request for SchemaList {
    schema_request!("STATE.SCHEMA LIST", Safe, Vec<SchemaInfo>);

    fn command(&self) -> Cmd {
        subcommand("LIST", &[])
    }

    fn reply(&self, value: Value) -> Result<Vec<SchemaInfo>> {
        decode::array(value)?.unwrap_or_default().into_iter().map(SchemaInfo::read).collect()
    }
}

/// A schema of a server.
///
/// For an example see [`SchemaSet`](crate::SchemaSet).
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

impl SchemaInfo {
    fn read(value: Value) -> Result<SchemaInfo> {
        let mut fields = Fields::required(value)?;
        Ok(SchemaInfo {
            name: fields.read("name")?,
            revision: fields.read("revision")?,
            bytes: fields.read("bytes")?,
            states: fields.read("states")?,
            bindings: fields.read("bindings")?,
        })
    }
}

/// STATE.SCHEMA DEL: deletes a schema. See [`SchemaSet`] for an example.
#[derive(Clone, Debug)]
pub struct SchemaDel {
    schema: String,
    force: bool,
}

impl SchemaDel {
    /// The schema's name. One in use by states or bindings is not deleted:
    /// [`BadSchema`](crate::ErrorKind::BadSchema).
    pub fn new(schema: impl Into<String>) -> SchemaDel {
        SchemaDel { schema: schema.into(), force: false }
    }

    /// `FORCE`: also while states or bindings use it; their next write returns NOSCHEMA.
    pub fn force(mut self) -> Self {
        self.force = true;
        self
    }
}

impl Request for SchemaDel {
    schema_request!("STATE.SCHEMA DEL", Never, ());

    fn command(&self) -> Cmd {
        if self.force {
            subcommand("DEL", &[&self.schema, "FORCE"])
        } else {
            subcommand("DEL", &[&self.schema])
        }
    }

    fn reply(&self, _one: Value) -> Result<()> {
        Ok(())
    }
}

/// STATE.SCHEMA BIND: applies a schema to every key that matches a pattern. See [`SchemaSet`] for
/// an example.
#[derive(Clone, Debug)]
pub struct SchemaBind {
    pattern: String,
    schema: String,
}

impl SchemaBind {
    /// A pattern as in KEYS, and the schema's name.
    pub fn new(pattern: impl Into<String>, schema: impl Into<String>) -> SchemaBind {
        SchemaBind { pattern: pattern.into(), schema: schema.into() }
    }
}

impl Request for SchemaBind {
    schema_request!("STATE.SCHEMA BIND", Safe, ());

    fn command(&self) -> Cmd {
        subcommand("BIND", &[&self.pattern, &self.schema])
    }

    fn reply(&self, _ok: Value) -> Result<()> {
        Ok(())
    }
}

/// STATE.SCHEMA UNBIND: removes a binding. See [`SchemaSet`] for an example.
#[derive(Clone, Debug)]
pub struct SchemaUnbind {
    pattern: String,
}

impl SchemaUnbind {
    /// The pattern.
    pub fn new(pattern: impl Into<String>) -> SchemaUnbind {
        SchemaUnbind { pattern: pattern.into() }
    }
}

impl Request for SchemaUnbind {
    schema_request!("STATE.SCHEMA UNBIND", Never, bool);

    fn command(&self) -> Cmd {
        subcommand("UNBIND", &[&self.pattern])
    }

    /// Whether there was one.
    fn reply(&self, value: Value) -> Result<bool> {
        Ok(decode::number(value)? == 1)
    }
}

fn subcommand(name: &str, words: &[&str]) -> Cmd {
    let mut command = redis::cmd("STATE.SCHEMA");
    command.arg(name).arg(words);
    command
}
