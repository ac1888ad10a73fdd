//! Compares each primary's schemas with the wanted ones, and sends the differences.
//!
//! First every primary is read, which takes long and changes nothing; then they are written one
//! after another without a pause, so that primaries differ for the shortest time. Texts are
//! compared, not revisions, which each primary counts itself.

use std::collections::BTreeMap;
use std::path::Path;

use super::nodes::{self, Node};
use super::report::{BindingOutcome, NodeReport, SchemaOutcome, SchemaReport, SyncedBinding, SyncedSchema};
use super::{Binding, Schemas, usage};
use crate::driver::Driver;
use crate::error::{Error, ErrorKind, Result};
use crate::request::schema::{SchemaBind, SchemaGet, SchemaList, SchemaSet};
use crate::states::States;

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
        D::answer(async move { run(self, &schemas?).await })
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
        D::answer(run(self, schemas))
    }
}

/// A primary's schemas and bindings, wanted and additional ones.
#[derive(Default)]
struct Kept {
    /// The revision and text of each wanted schema that exists.
    schemas: BTreeMap<String, (u64, String)>,
    /// All bindings, by pattern.
    bindings: BTreeMap<String, String>,
    extra_schemas: Vec<String>,
}

async fn run<D: Driver + 'static>(states: &mut States<D>, schemas: &Schemas) -> Result<SchemaReport> {
    if let Some(why) = &schemas.contradiction {
        return Err(usage(why.clone()));
    }
    let mut read = Vec::new();
    for node in nodes::primaries(states).await? {
        let kept = read_node(&mut nodes::at(states, &node), schemas).await;
        read.push((node, kept));
    }
    let mut report = SchemaReport { dry_run: schemas.dry_run, nodes: Vec::new() };
    for (node, kept) in read {
        report.nodes.push(write_node(states, &node, schemas, kept).await);
    }
    Ok(report)
}

async fn read_node<D: Driver>(states: &mut States<D>, wanted: &Schemas) -> Result<Kept> {
    let mut kept = Kept::default();
    for listed in states.exchange(&SchemaList).await? {
        let is_wanted = wanted.texts.contains_key(&listed.name);
        // Revision 0 is a schema that is bound but missing.
        if is_wanted && listed.revision > 0 {
            let text = states.exchange(&SchemaGet::new(&listed.name)).await?;
            kept.schemas.extend(text.map(|text| (listed.name.clone(), (listed.revision, text))));
        }
        kept.bindings.extend(listed.bindings.into_iter().map(|pattern| (pattern, listed.name.clone())));
        if !is_wanted && listed.revision > 0 {
            kept.extra_schemas.push(listed.name);
        }
    }
    Ok(kept)
}

async fn write_node<D: Driver + 'static>(
    states: &mut States<D>,
    node: &Node,
    wanted: &Schemas,
    kept: Result<Kept>,
) -> NodeReport {
    let address = node.as_ref().map(|(host, port)| format!("{host}:{port}"));
    let mut report = NodeReport { address, ..NodeReport::default() };
    let outcome = match kept {
        Ok(kept) => write(&mut nodes::at(states, node), wanted, kept, &mut report).await,
        Err(error) => Err(error),
    };
    report.error = outcome.err();
    report
}

/// Sends the differences. An error stops it; a rejection is an outcome.
async fn write<D: Driver>(
    states: &mut States<D>,
    wanted: &Schemas,
    mut kept: Kept,
    report: &mut NodeReport,
) -> Result<()> {
    report.extra_schemas = std::mem::take(&mut kept.extra_schemas);
    let extra = kept.bindings.iter().filter(|(pattern, _)| !wanted.bindings.contains_key(*pattern));
    report.extra_bindings = extra.map(|(pattern, schema)| (pattern.clone(), schema.clone())).collect();
    for (name, text) in &wanted.texts {
        let outcome = write_schema(states, wanted.dry_run, name, text, kept.schemas.get(name)).await?;
        report.schemas.push(SyncedSchema { name: name.clone(), outcome });
    }
    for (pattern, binding) in &wanted.bindings {
        let from = kept.bindings.remove(pattern);
        let outcome = if from.as_ref() == Some(&binding.schema) {
            BindingOutcome::Unchanged
        } else {
            write_binding(states, wanted.dry_run, pattern, binding, from, &report.schemas).await?
        };
        let (pattern, schema) = (pattern.clone(), binding.schema.clone());
        report.bindings.push(SyncedBinding { pattern, schema, outcome });
    }
    Ok(())
}

async fn write_schema<D: Driver>(
    states: &mut States<D>,
    dry_run: bool,
    name: &str,
    text: &str,
    kept: Option<&(u64, String)>,
) -> Result<SchemaOutcome> {
    let from = match kept {
        Some((revision, kept)) if kept == text => {
            return Ok(SchemaOutcome::Unchanged { revision: *revision });
        }
        kept => kept.map_or(0, |(revision, _)| *revision),
    };
    let to = if dry_run { Ok(from + 1) } else { states.exchange(&SchemaSet::new(name, text)).await };
    Ok(match to {
        Ok(revision) if from == 0 => SchemaOutcome::Created { revision },
        // Another deployment has sent it meanwhile, or the server writes the same text differently.
        Ok(to) if to == from => SchemaOutcome::Unchanged { revision: from },
        Ok(to) => SchemaOutcome::Changed { from, to },
        Err(error) => SchemaOutcome::Rejected(rejection(error)?),
    })
}

async fn write_binding<D: Driver>(
    states: &mut States<D>,
    dry_run: bool,
    pattern: &str,
    binding: &Binding,
    from: Option<String>,
    schemas: &[SyncedSchema],
) -> Result<BindingOutcome> {
    let schema = schemas.iter().find(|schema| schema.name == binding.schema);
    let outcome = schema.filter(|_| binding.by_schema).map(|schema| &schema.outcome);
    match outcome {
        Some(SchemaOutcome::Rejected(error)) => return Ok(BindingOutcome::Rejected(error.clone())),
        // STATE.SCHEMA SET has bound it.
        Some(SchemaOutcome::Created { .. } | SchemaOutcome::Changed { .. }) => {
            return Ok(BindingOutcome::Bound { from });
        }
        // The text exists without the binding: another client has unbound or rebound it.
        Some(SchemaOutcome::Unchanged { .. }) | None => {}
    }
    if dry_run {
        return Ok(BindingOutcome::Bound { from });
    }
    match states.exchange(&SchemaBind::new(pattern, &binding.schema)).await {
        Ok(()) => Ok(BindingOutcome::Bound { from }),
        Err(error) => Ok(BindingOutcome::Rejected(rejection(error)?)),
    }
}

/// The server's rejection of this item; an error if there is no point in sending the next one.
fn rejection(error: Error) -> Result<Error> {
    match error.kind() {
        ErrorKind::Connection | ErrorKind::OutcomeUnknown | ErrorKind::Unavailable => Err(error),
        _ => Ok(error),
    }
}
