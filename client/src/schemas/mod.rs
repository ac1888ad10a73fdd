//! Schemas and bindings of a deployment: a folder is compared with each primary's schemas, and the
//! differences are sent.
//!
//! A cluster does not distribute schemas: each primary has its own. So a deployment runs
//! [`States::sync_schemas`](crate::States::sync_schemas) and checks its report; again after a
//! primary has joined. Additional schemas of a server are reported and kept: another program may
//! have set them, and states may use them. No lock between concurrent deployments: both send the
//! same folder, and a second comparison shows which one was last.

mod nodes;
pub mod report;
mod sync;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};

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
    /// error of [`sync_schemas_with`](crate::States::sync_schemas_with): the server would use the
    /// last one.
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

fn usage(text: String) -> Error {
    Error::new(ErrorKind::Usage, text)
}
