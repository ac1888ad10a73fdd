//! Schemas and bindings of a deployment: a folder is compared with each primary's schemas, and the
//! differences are sent.
//!
//! A cluster does not distribute schemas: each primary has its own. So a deployment runs
//! [`States::sync_schemas`] and checks its [report](SchemaReport); again after a primary has
//! joined. Additional schemas of a server are reported and kept: another program may have set them,
//! and states may use them. No lock between concurrent deployments: both send the same folder, and
//! a second comparison shows which one was last.

mod nodes;
mod report;
mod sync;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::driver::Driver;
use crate::error::{Error, ErrorKind, Result};
use crate::states::States;

pub use report::{BindingOutcome, NodeReport, SchemaOutcome, SchemaReport, SyncedBinding, SyncedSchema};

/// The schemas and bindings that every primary should have.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_client::{SchemaOutcome, Schemas, connect};
///
/// let mut states = connect(url).await?;
/// let schemas = Schemas::new()
///     .schema("bot.offer", r#"{"required": ["handle"]}"#)?
///     .bind("offer:*", "bot.offer");
///
/// // What would happen?
/// let report = states.sync_schemas_with(&schemas.clone().dry_run()).await?;
/// assert!(report.differs() && report.dry_run);
///
/// let report = states.sync_schemas_with(&schemas).await?;
/// assert!(report.is_ok(), "{report}");
/// assert!(matches!(report.nodes[0].schemas[0].outcome, SchemaOutcome::Created { revision: 1 }));
/// assert!(!states.sync_schemas_with(&schemas).await?.differs());
/// # Ok(()) });
/// ```
#[derive(Clone, Debug, Default)]
pub struct Schemas {
    /// By name, each with its text as the server writes it.
    texts: BTreeMap<String, String>,
    /// By pattern: those of `x-bind` and those of the caller.
    bindings: BTreeMap<String, Binding>,
    dry_run: bool,
    /// The first contradiction, found in a builder that can't return it.
    contradiction: Option<String>,
}

#[derive(Clone, Debug)]
struct Binding {
    schema: String,
    /// STATE.SCHEMA SET binds it.
    by_schema: bool,
}

impl Schemas {
    /// No schemas yet.
    pub fn new() -> Schemas {
        Schemas::default()
    }

    /// The schemas of a folder, read as by the server's `state.schema-dir`: `bot.offer.json` is the
    /// schema `bot.offer`, other files are ignored, an `x-bind` in the root binds patterns.
    ///
    /// Errors: [`Usage`](ErrorKind::Usage) if the folder or a file can't be read, or a file is not
    /// JSON. Nothing is sent then.
    ///
    /// ```
    /// let folder = std::env::temp_dir().join("redis-state-schemas-example");
    /// std::fs::create_dir_all(&folder)?;
    /// std::fs::write(folder.join("bot.offer.json"), r#"{"required": ["handle"#)?;
    ///
    /// let error = redis_state_client::Schemas::read_dir(&folder).unwrap_err();
    /// assert!(error.to_string().contains("bot.offer.json"));
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn read_dir(folder: impl AsRef<Path>) -> Result<Schemas> {
        let folder = folder.as_ref();
        let unusable = |path: &Path, why: &dyn std::fmt::Display| usage(format!("{}: {why}", path.display()));
        let entries: Vec<_> = std::fs::read_dir(folder)
            .and_then(Iterator::collect)
            .map_err(|error| unusable(folder, &error))?;
        let mut schemas = Schemas::new();
        for path in entries.iter().map(std::fs::DirEntry::path) {
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let name = path.file_stem().and_then(|stem| stem.to_str());
            let name = name.ok_or_else(|| unusable(&path, &"the name of a schema must be UTF-8"))?;
            let json = std::fs::read_to_string(&path).map_err(|error| unusable(&path, &error))?;
            schemas = schemas.schema(name, &json).map_err(|error| unusable(&path, &error))?;
        }
        Ok(schemas)
    }

    /// Adds a schema, or replaces one of the same name.
    ///
    /// Errors: [`Usage`](ErrorKind::Usage) if the text is not JSON. The server checks whether it is
    /// a schema.
    ///
    /// ```
    /// # use redis_state_client::Schemas;
    /// let schemas = Schemas::new().schema("bot.offer", r#"{"x-bind": ["offer:*"]}"#)?;
    /// # Ok::<(), redis_state_client::Error>(())
    /// ```
    pub fn schema(mut self, name: impl Into<String>, json: &str) -> Result<Schemas> {
        let name = name.into();
        let value: Value = serde_json::from_str(json).map_err(|error| usage(format!("no JSON: {error}")))?;
        self.bindings.retain(|_, binding| !(binding.by_schema && binding.schema == name));
        let patterns = value.get("x-bind").and_then(Value::as_array);
        for pattern in patterns.into_iter().flatten().filter_map(Value::as_str) {
            self.add_binding(pattern.to_owned(), name.clone(), true);
        }
        // The server stores the text without insignificant whitespace: texts that differ in nothing
        // else are the same.
        self.texts.insert(name, value.to_string());
        Ok(self)
    }

    /// Adds a binding: the schema, of these or one of the server, applies to keys that match the
    /// pattern.
    ///
    /// A pattern bound to two schemas, here or by their `x-bind`, is a [`Usage`](ErrorKind::Usage)
    /// error of [`States::sync_schemas_with`]: the server would use the last one.
    pub fn bind(mut self, pattern: impl Into<String>, schema: impl Into<String>) -> Schemas {
        self.add_binding(pattern.into(), schema.into(), false);
        self
    }

    /// Only reads, and reports what would be done.
    pub fn dry_run(mut self) -> Schemas {
        self.dry_run = true;
        self
    }

    fn add_binding(&mut self, pattern: String, schema: String, by_schema: bool) {
        match self.bindings.get(&pattern) {
            Some(present) if present.schema != schema => {
                let why = format!("the pattern {pattern} is bound to {} and to {schema}", present.schema);
                self.contradiction.get_or_insert(why);
            }
            Some(present) if present.by_schema => {}
            _ => _ = self.bindings.insert(pattern, Binding { schema, by_schema }),
        }
    }
}

impl<D: Driver + 'static> States<D> {
    /// Sets the schemas of a folder on every primary, and reports the differences:
    /// [`Schemas::read_dir`], then [`sync_schemas_with`](States::sync_schemas_with).
    ///
    /// ```
    /// # support::example_cluster(async |nodes| {
    /// # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas");
    /// let mut states = redis_state_client::connect_cluster(nodes.to_vec()).await?;
    /// let report = states.sync_schemas(folder).await?;
    /// assert!(report.is_ok(), "{report}");
    /// assert_eq!(report.nodes.len(), 3);
    /// # Ok(()) });
    /// ```
    pub fn sync_schemas<'a>(&'a mut self, folder: impl AsRef<Path>) -> D::Answer<'a, SchemaReport> {
        let schemas = Schemas::read_dir(folder);
        D::answer(async move { sync::run(self, &schemas?).await })
    }

    /// Sets these schemas and bindings on every primary, and reports the differences. Equal ones
    /// are not sent, and nothing is deleted. A rejected schema or an unreachable primary is in the
    /// report, and the others are synced.
    ///
    /// All primaries are read before the first write. On a connection of
    /// [`connect_cluster`](crate::connect_cluster), or a cluster connection of redis-rs, these are
    /// the primaries of the cluster; on any other, its one server. Only `connect_cluster` reaches a
    /// primary without slots: sync it before slots migrate there, or states can be created there
    /// without their schema.
    ///
    /// Errors: [`Usage`](ErrorKind::Usage) for contradicting bindings, and for a connection to a
    /// single node of a cluster with several primaries; any error of finding the primaries.
    pub fn sync_schemas_with<'a>(&'a mut self, schemas: &'a Schemas) -> D::Answer<'a, SchemaReport> {
        D::answer(sync::run(self, schemas))
    }
}

fn usage(text: String) -> Error {
    Error::new(ErrorKind::Usage, text)
}
