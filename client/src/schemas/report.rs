//! The report of a comparison of schemas.

use std::fmt;

use crate::error::Error;

/// The report of [`sync_schemas`](crate::States::sync_schemas). `Display` writes a line for each
/// difference.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SchemaReport {
    /// Nothing was sent: the outcomes are those of a real run, without rejections.
    pub dry_run: bool,
    /// One for each primary.
    pub nodes: Vec<NodeReport>,
}

/// The report of one primary.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct NodeReport {
    /// Its address in the cluster; `None` for the one server of the connection.
    pub address: Option<String>,
    /// One for each wanted schema, by name; fewer if [`error`](NodeReport::error) stopped the run.
    pub schemas: Vec<SyncedSchema>,
    /// One for each wanted binding, by pattern.
    pub bindings: Vec<SyncedBinding>,
    /// Additional schemas.
    pub extra_schemas: Vec<String>,
    /// Additional bindings, each with its schema.
    pub extra_bindings: Vec<(String, String)>,
    /// Why it could not be read or written.
    pub error: Option<Error>,
}

/// A wanted schema on one primary.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SyncedSchema {
    /// Its name.
    pub name: String,
    /// The outcome.
    pub outcome: SchemaOutcome,
}

/// The outcome for a schema on one primary.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SchemaOutcome {
    /// It was missing.
    Created {
        /// The new revision.
        revision: u64,
    },
    /// It had another text.
    Changed {
        /// The former revision.
        from: u64,
        /// The new revision.
        to: u64,
    },
    /// It had the same text; nothing was sent.
    Unchanged {
        /// The revision.
        revision: u64,
    },
    /// The server rejected it, for example as [`BadSchema`](crate::ErrorKind::BadSchema).
    Rejected(Error),
}

/// A wanted binding on one primary.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SyncedBinding {
    /// The pattern of keys.
    pub pattern: String,
    /// The applicable schema.
    pub schema: String,
    /// The outcome.
    pub outcome: BindingOutcome,
}

/// The outcome for a binding on one primary.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum BindingOutcome {
    /// It was bound to another schema, or to none.
    Bound {
        /// The former schema.
        from: Option<String>,
    },
    /// It was bound already; nothing was sent.
    Unchanged,
    /// The server rejected it, or the schema with its `x-bind`.
    Rejected(Error),
}

impl SchemaReport {
    /// Whether every primary now has the wanted schemas, or in a dry run could be read.
    pub fn is_ok(&self) -> bool {
        self.failures().next().is_none()
    }

    /// Whether any primary differed: the question of a deployment check to a dry run.
    pub fn differs(&self) -> bool {
        self.nodes.iter().any(|node| {
            node.schemas.iter().any(|schema| !matches!(schema.outcome, SchemaOutcome::Unchanged { .. }))
                || node.bindings.iter().any(|binding| !matches!(binding.outcome, BindingOutcome::Unchanged))
        })
    }

    /// All failures: unreachable primaries, rejected schemas and bindings.
    pub fn failures(&self) -> impl Iterator<Item = &Error> {
        self.nodes.iter().flat_map(|node| {
            let schemas = node.schemas.iter().filter_map(|schema| match &schema.outcome {
                SchemaOutcome::Rejected(error) => Some(error),
                _ => None,
            });
            let bindings = node.bindings.iter().filter_map(|binding| match &binding.outcome {
                BindingOutcome::Rejected(error) => Some(error),
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
                    SchemaOutcome::Rejected(error) => writeln!(f, "{at}: schema {name} rejected: {error}")?,
                }
            }
            for SyncedBinding { pattern, schema, outcome } in &node.bindings {
                match outcome {
                    BindingOutcome::Bound { from: None } => writeln!(f, "{at}: {pattern} bound to {schema}")?,
                    BindingOutcome::Bound { from: Some(from) } => {
                        writeln!(f, "{at}: {pattern} bound to {schema}, no more to {from}")?;
                    }
                    BindingOutcome::Unchanged => {}
                    BindingOutcome::Rejected(error) => writeln!(f, "{at}: {pattern} not bound: {error}")?,
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
