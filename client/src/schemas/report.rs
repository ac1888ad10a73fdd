//! What a comparison of schemas has found, and what became of it.

use std::fmt;

use crate::error::Error;

/// What [`sync_schemas`](crate::States::sync_schemas) has found and done. `Display` writes a line
/// for each thing that differed.
///
/// For an example see [`States::sync_schemas`](crate::States::sync_schemas).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SchemaReport {
    /// Nothing was sent: the outcomes are those that a run would have, rejections aside.
    pub dry_run: bool,
    /// One for each primary.
    pub nodes: Vec<NodeReport>,
}

/// What was found and done on one primary.
///
/// For an example see [`States::sync_schemas`](crate::States::sync_schemas).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NodeReport {
    /// Its address in the cluster; `None` for the one server that the connection leads to.
    pub address: Option<String>,
    /// One for each wanted schema, by name; fewer when [`error`](NodeReport::error) says why the
    /// rest was left.
    pub schemas: Vec<SyncedSchema>,
    /// One for each wanted binding, by pattern.
    pub bindings: Vec<SyncedBinding>,
    /// Schemas that it keeps beyond the folder.
    pub extra_schemas: Vec<String>,
    /// Patterns that it has bound beyond the folder, each with its schema.
    pub extra_bindings: Vec<(String, String)>,
    /// Why it could not be read, or not be written to any more.
    pub error: Option<Error>,
}

/// A wanted schema on one primary.
///
/// For an example see [`States::sync_schemas`](crate::States::sync_schemas).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SyncedSchema {
    /// Its name.
    pub name: String,
    /// What became of it.
    pub outcome: SchemaOutcome,
}

/// What became of a schema on one primary.
///
/// For an example see [`States::sync_schemas`](crate::States::sync_schemas).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SchemaOutcome {
    /// It was not there.
    Created {
        /// The revision it has now.
        revision: u64,
    },
    /// It had another text.
    Changed {
        /// The revision it had.
        from: u64,
        /// The revision it has now.
        to: u64,
    },
    /// It had this very text; nothing was sent.
    Unchanged {
        /// Its revision.
        revision: u64,
    },
    /// The server rejected it, as [`BadSchema`](crate::ErrorKind::BadSchema) for one.
    Refused(Error),
}

/// A wanted binding on one primary.
///
/// For an example see [`States::sync_schemas`](crate::States::sync_schemas).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SyncedBinding {
    /// Which keys.
    pub pattern: String,
    /// Which schema they shall obey.
    pub schema: String,
    /// What became of it.
    pub outcome: BindingOutcome,
}

/// What became of a binding on one primary.
///
/// For an example see [`States::sync_schemas`](crate::States::sync_schemas).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum BindingOutcome {
    /// It was bound, to something else before or to nothing.
    Bound {
        /// What it was bound to before.
        from: Option<String>,
    },
    /// It was bound like this; nothing was sent.
    Unchanged,
    /// The server rejected it, or the schema whose `x-bind` asked for it.
    Refused(Error),
}

impl SchemaReport {
    /// Whether every primary now has what was wanted, or in a dry run could be read.
    pub fn is_ok(&self) -> bool {
        self.failures().next().is_none()
    }

    /// Whether any primary lacked something or had something else: what a deployment check asks of
    /// a dry run.
    pub fn differs(&self) -> bool {
        self.nodes.iter().any(|node| {
            node.schemas.iter().any(|schema| !matches!(schema.outcome, SchemaOutcome::Unchanged { .. }))
                || node.bindings.iter().any(|binding| !matches!(binding.outcome, BindingOutcome::Unchanged))
        })
    }

    /// Everything that failed: primaries that were not reached, schemas and bindings that were
    /// rejected.
    pub fn failures(&self) -> impl Iterator<Item = &Error> {
        self.nodes.iter().flat_map(|node| {
            let schemas = node.schemas.iter().filter_map(|schema| match &schema.outcome {
                SchemaOutcome::Refused(error) => Some(error),
                _ => None,
            });
            let bindings = node.bindings.iter().filter_map(|binding| match &binding.outcome {
                BindingOutcome::Refused(error) => Some(error),
                _ => None,
            });
            node.error.iter().chain(schemas).chain(bindings)
        })
    }
}

impl fmt::Display for SchemaReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for node in &self.nodes {
            let at = node.address.as_deref().unwrap_or("the server");
            if let Some(error) = &node.error {
                writeln!(f, "{at}: {error}")?;
            }
            for SyncedSchema { name, outcome } in &node.schemas {
                match outcome {
                    SchemaOutcome::Created { revision } => {
                        writeln!(f, "{at}: schema {name} created, revision {revision}")?;
                    }
                    SchemaOutcome::Changed { from, to } => {
                        writeln!(f, "{at}: schema {name} changed, revision {from} -> {to}")?;
                    }
                    SchemaOutcome::Unchanged { .. } => {}
                    SchemaOutcome::Refused(error) => writeln!(f, "{at}: schema {name} refused: {error}")?,
                }
            }
            for SyncedBinding { pattern, schema, outcome } in &node.bindings {
                match outcome {
                    BindingOutcome::Bound { from: None } => writeln!(f, "{at}: {pattern} bound to {schema}")?,
                    BindingOutcome::Bound { from: Some(from) } => {
                        writeln!(f, "{at}: {pattern} bound to {schema}, no more to {from}")?;
                    }
                    BindingOutcome::Unchanged => {}
                    BindingOutcome::Refused(error) => writeln!(f, "{at}: {pattern} not bound: {error}")?,
                }
            }
            for name in &node.extra_schemas {
                writeln!(f, "{at}: has the schema {name} as well")?;
            }
            for (pattern, schema) in &node.extra_bindings {
                writeln!(f, "{at}: has {pattern} bound to {schema} as well")?;
            }
        }
        Ok(())
    }
}
