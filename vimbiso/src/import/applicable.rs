//! The applicable schema of an import.
//!
//! A binding of the server overrides the schema of a creation. Under another schema than the
//! intended one, a token might get into the audit stream. So the importer checks the bindings
//! first, with the server's own code.

use redis_state_client::{Driver, Error, ErrorKind, Result, SchemaGet, SchemaList, States};
use redis_state_core::{Binding, Registry};
use serde_json::Value;

use super::fold;

/// A schema, and the keys to which another one applies.
pub(super) struct Applicable {
    name: String,
    /// The schema's text, for its steps.
    pub(super) schema: Value,
    bindings: Registry,
}

impl Applicable {
    /// Reads the schema and the bindings from the server.
    pub(super) async fn read<D: Driver>(states: &mut States<D>, name: &str) -> Result<Applicable> {
        let text = D::resolve(states.send(&SchemaGet::new(name))).await?;
        let text = text
            .ok_or_else(|| Error::new(ErrorKind::NoSchema, format!("NOSCHEMA no schema is named {name}")))?;
        let mut bindings = Registry::new();
        for listed in D::resolve(states.send(&SchemaList)).await? {
            for pattern in listed.bindings {
                bindings.bind(Binding { pattern: pattern.into(), schema: listed.name.as_str().into() });
            }
        }
        Ok(Applicable { name: name.to_owned(), schema: fold::parse(&text)?, bindings })
    }

    /// Rejects a key that is bound to another schema.
    pub(super) fn admit(&self, key: &str) -> Result<()> {
        match self.bindings.bound(key.as_bytes()) {
            Some(bound) if bound != self.name => {
                Err(Error::new(ErrorKind::BadSchema, format!("BADSCHEMA key is bound to {bound}")))
            }
            _ => Ok(()),
        }
    }
}
