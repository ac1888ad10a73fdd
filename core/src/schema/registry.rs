//! The registry: the schemas of a server by name, and its bindings.
//!
//! On a replica and while loading, a change of the registry arrives encoded (invariant I4): one
//! schema set or removed, one pattern bound or unbound, or the whole registry at the start of a
//! dataset.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::bindings::{Binding, Bindings};
use super::compiled::Schema;
use crate::budget::Budget;
use crate::error::Error;
use crate::json::change::{Change, ChangeKind};
use crate::limits::Limits;
use crate::state::State;
use crate::state::version::{SchemaRef, Version};

/// The most schemas of a server.
pub const SCHEMAS_MAX: usize = 1024;

/// Schemas by name, and the bindings of keys.
#[derive(Debug, Default)]
pub struct Registry {
    schemas: BTreeMap<Box<str>, Arc<Schema>>,
    bindings: Bindings,
}

impl Registry {
    /// A registry without schemas.
    pub const fn new() -> Registry {
        Registry { schemas: BTreeMap::new(), bindings: Bindings::new() }
    }

    /// The schema of this name.
    ///
    /// Errors: `NOSCHEMA`; `BADSCHEMA` for a stored schema that is unusable.
    pub fn get(&self, name: &str) -> Result<&Arc<Schema>, Error> {
        let schema = self.schemas.get(name).ok_or_else(|| Error::NoSchema { name: name.to_owned() })?;
        schema.usable()?;
        Ok(schema)
    }

    /// All schemas, by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<Schema>> {
        self.schemas.values()
    }

    /// The schema that a key is bound to, by the most specific matching pattern.
    pub fn bound(&self, key: &[u8]) -> Option<&str> {
        self.bindings.of(key)
    }

    /// All bindings, most specific first.
    pub fn bindings(&self) -> impl ExactSizeIterator<Item = &Binding> {
        self.bindings.iter()
    }

    /// The binding of `pattern` to the schema `name`; nothing changes until [`Registry::bind`].
    ///
    /// Errors: `NOSCHEMA`; `BADSCHEMA` for one binding too many.
    pub fn prepare_binding(&self, pattern: &str, name: &str) -> Result<Binding, Error> {
        self.get(name)?;
        self.bindings.check_room(&[pattern.into()])?;
        Ok(Binding { pattern: pattern.into(), schema: name.into() })
    }

    /// The bindings that a schema asks for with `x-bind` and does not have.
    pub fn missing_bindings(&self, schema: &Schema) -> Vec<Binding> {
        let name = &schema.reference().name;
        let missing = schema.patterns().iter().filter(|pattern| self.bindings.get(pattern) != Some(name));
        missing.map(|pattern| Binding { pattern: pattern.clone(), schema: name.clone() }).collect()
    }

    /// Adds or replaces a binding.
    pub fn bind(&mut self, binding: Binding) {
        self.bindings.bind([binding]);
    }

    /// Keeps bindings; their index is made once.
    pub fn bind_all(&mut self, bindings: impl IntoIterator<Item = Binding>) {
        self.bindings.bind(bindings);
    }

    /// Removes a binding; returns whether it existed.
    pub fn unbind(&mut self, pattern: &str) -> bool {
        self.bindings.unbind(pattern)
    }

    /// The number of schemas.
    pub fn len(&self) -> usize {
        self.schemas.len()
    }

    /// Whether there are neither schemas nor bindings.
    pub fn is_empty(&self) -> bool {
        self.schemas.is_empty() && self.bindings.len() == 0
    }

    /// The schema that masks the secrets of a state under `schema`; `None` when it has none.
    ///
    /// Errors: `NOSCHEMA` if the schema was removed and had secrets, which are then unknown;
    /// `BADSCHEMA` if it is unusable.
    pub fn masking(&self, schema: Option<&SchemaRef>) -> Result<Option<&Arc<Schema>>, Error> {
        let Some(reference) = schema else { return Ok(None) };
        match self.schemas.get(&reference.name) {
            Some(schema) => {
                schema.usable()?;
                Ok(Some(schema).filter(|schema| schema.reference().has_secrets))
            }
            None if reference.has_secrets => Err(Error::NoSchema { name: reference.name.to_string() }),
            None => Ok(None),
        }
    }

    /// As [`Registry::masking`], for the present version: most have no secret, as recorded at their
    /// commit.
    pub fn masking_present(
        &self,
        schema: Option<&SchemaRef>,
        head: &Version,
    ) -> Result<Option<&Arc<Schema>>, Error> {
        let is_same = |masking: &Schema| schema.is_some_and(|own| own.digest == masking.reference().digest);
        Ok(self.masking(schema)?.filter(|masking| head.has_secret || !is_same(masking)))
    }

    /// As [`Registry::masking`], for a snapshot: it may have a secret by an earlier revision of a
    /// removed schema.
    pub fn masking_snapshot(
        &self,
        schema: Option<&SchemaRef>,
        version: &Version,
    ) -> Result<Option<&Arc<Schema>>, Error> {
        if let Some(own) = schema.filter(|_| version.has_secret) {
            self.get(&own.name)?;
        }
        self.masking(schema)
    }

    /// Whether an update of `state`, or of a new state under `key` and a named schema, may carry
    /// secrets. It may unless every schema that may apply is known and has none.
    pub fn may_carry_secrets(&self, key: &[u8], state: Option<&State>, named: Option<&str>) -> bool {
        let own = state.and_then(State::schema);
        let has_none = |name| self.get(name).is_ok_and(|schema| !schema.reference().has_secrets);
        let names = [self.bound(key), named, own.map(|schema| &*schema.name)];
        let mut known = names.into_iter().flatten().map(has_none).peekable();
        own.is_some_and(|schema| schema.has_secrets) || known.peek().is_none() || !known.all(|none| none)
    }

    /// Validates JSON that is not stored against the schema of this name.
    ///
    /// Errors: as [`Change::parse`] for the JSON, `NOSCHEMA`, `INVALID`, `TOOCOSTLY`.
    pub fn validate(&self, name: &str, json: &[u8], limits: &Limits, budget: &Budget) -> Result<(), Error> {
        let tree = Change::parse(ChangeKind::Replace, json, limits)?.into_json();
        let schema = self.get(name)?;
        if tree.root().is_object() {
            schema.check(tree.root(), None, budget)
        } else {
            Err(Error::not_an_object())
        }
    }

    /// Whether a state is valid by its present schema. Always without a schema; never by a removed
    /// one.
    ///
    /// Errors: `TOOCOSTLY`.
    pub fn admits(&self, state: &State, budget: &Budget) -> Result<bool, Error> {
        let Some(schema) = state.schema() else { return Ok(true) };
        match self.get(&schema.name) {
            Ok(schema) => schema.admits(state.head().document.tree().root(), budget),
            Err(_) => Ok(false),
        }
    }

    /// The result of setting `json` under `name`: the present schema for the same text, else a new
    /// revision. Nothing changes until [`Registry::put`].
    pub fn prepare(&self, name: &str, json: &[u8]) -> Result<Arc<Schema>, Error> {
        let present = self.schemas.get(name);
        if present.is_none() && self.schemas.len() >= SCHEMAS_MAX {
            return Err(Error::BadSchema { reason: format!("{SCHEMAS_MAX} schemas are kept already") });
        }
        let revision = present.map_or(1, |schema| schema.reference().revision.saturating_add(1));
        let schema = Schema::compile(name, revision, json)?;
        self.bindings.check_room(schema.patterns())?;
        match present {
            Some(present) if present.text() == schema.text() => Ok(Arc::clone(present)),
            _ => Ok(Arc::new(schema)),
        }
    }

    /// Adds or replaces a schema.
    pub fn put(&mut self, schema: Arc<Schema>) {
        self.schemas.insert(schema.reference().name.clone(), schema);
    }

    /// Removes a schema; returns whether it existed.
    pub fn remove(&mut self, name: &str) -> bool {
        self.schemas.remove(name).is_some()
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        *self = Registry::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry() -> Registry {
        let mut registry = Registry::default();
        for (name, text) in
            [("vimbiso.flow", r#"{"type":"object"}"#), ("vimbiso.channel", r#"{"x-ttl":1800}"#)]
        {
            let schema = registry.prepare(name, text.as_bytes()).expect(text);
            registry.put(schema);
        }
        let binding = registry.prepare_binding("channel:*", "vimbiso.channel").expect("known");
        registry.bind(binding);
        registry
    }

    #[test]
    fn another_text_is_another_revision_and_the_same_text_is_not() {
        let mut registry = registry();
        let again = registry.prepare("vimbiso.flow", br#" {"type" : "object"} "#).expect("a schema");
        assert_eq!(again.reference().revision, 1);
        let other = registry.prepare("vimbiso.flow", b"{}").expect("a schema");
        assert_eq!(other.reference().revision, 2);
        registry.put(other);
        assert_eq!(registry.get("vimbiso.flow").expect("kept").text(), "{}");
    }

    #[test]
    fn the_whole_registry_travels_as_bytes() {
        let mut other = Registry::default();
        other.apply(&Registry::encode_set(registry().get("vimbiso.flow").expect("kept"))).expect("set");
        other.apply(&registry().encode()).expect("all");
        let shown = |registry: &Registry| {
            registry
                .iter()
                .map(|schema| (schema.reference().clone(), schema.text().to_owned()))
                .collect::<Vec<_>>()
        };
        assert_eq!(shown(&other), shown(&registry()));
        assert_eq!(other.bound(b"channel:+263771234567"), Some("vimbiso.channel"));
        other.apply(&Registry::encode_unbind("channel:*")).expect("unbound");
        assert_eq!(other.bound(b"channel:+263771234567"), None);
        let binding = Binding { pattern: "user:*".into(), schema: "vimbiso.flow".into() };
        other.apply(&Registry::encode_bind(&binding)).expect("bound");
        assert_eq!(other.bound(b"user:7"), Some("vimbiso.flow"));
        other.apply(&Registry::encode_remove("vimbiso.flow")).expect("removed");
        assert_eq!(other.len(), 1);
    }

    #[test]
    fn broken_bytes_change_nothing() {
        let bytes = registry().encode();
        let mut kept = registry();
        for len in 0..bytes.len() {
            assert!(kept.apply(&bytes[..len]).is_err(), "{len} bytes");
        }
        assert!(kept.apply(&[&bytes[..], &[0]].concat()).is_err());
        assert_eq!(kept.len(), 2);
    }
}
