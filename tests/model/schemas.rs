//! The schemas by name, their bindings, and the applicable schema of a command.

use std::collections::BTreeSet;

use crate::annotations::Applicable;
use crate::bindings::{PATTERNS, bind_own, bound_to};
use crate::command::{SCHEMAS, SchemaText};
use crate::command_line::Line;
use crate::predicted::Predicted;
use crate::rules::{NOT_A_SCHEMA, Rules};
use crate::state::State;
use crate::world::World;

impl World {
    pub fn rules(&self, schema: Option<&'static str>) -> Option<Rules> {
        self.schemas.get(schema?).map(|(rules, _)| *rules)
    }

    /// The rules of a command under `schema`, with those of the state's schema when that is
    /// another.
    pub fn applicable(&self, state: Option<&State>, schema: Option<&'static str>) -> Applicable {
        let own = state.and_then(State::schema_name);
        let former = own.filter(|_| own != schema);
        let former_is_missing = former.is_some() && self.rules(former).is_none();
        Applicable { rules: self.rules(schema), former: self.rules(former), former_is_missing }
    }

    /// The name of the applicable schema: that of the binding, else the state's own, else the named
    /// one. Only SETPROTECTED may name another one for an existing state.
    pub fn schema_for(
        &self,
        key: usize,
        state: Option<&State>,
        named: Option<&'static str>,
        protect: bool,
    ) -> Result<Option<&'static str>, Predicted> {
        let other = |rejection: String| {
            let rejection = Predicted::ErrorBegins(rejection);
            Err(match named.map_or(Ok(()), |named| self.needs(named)) {
                Ok(()) => rejection,
                // Which of two errors is reported is unspecified.
                Err(unknown) => Predicted::OneOf(vec![rejection, unknown]),
            })
        };
        let own = state.map(State::schema_name);
        let schema = match (bound_to(&self.bindings, key), own, named) {
            (Some(bound), _, None) => Some(bound),
            (Some(bound), _, Some(named)) if named == bound => Some(bound),
            (Some(bound), ..) => return other(format!("BADSCHEMA key is bound to {bound}: ")),
            (None, None, named) => named,
            (None, Some(own), None) => own,
            (None, Some(own), Some(named)) if own == Some(named) || protect => Some(named),
            (None, ..) => return other("BADSCHEMA ".into()),
        };
        schema.map_or(Ok(()), |name| self.needs(name))?;
        if let Some(state) = state.filter(|_| !protect) {
            self.may_move(state, schema)?;
        }
        Ok(schema)
    }

    /// Only SETPROTECTED moves a state to a schema that unmasks a secret of its own schema.
    fn may_move(&self, state: &State, schema: Option<&'static str>) -> Result<(), Predicted> {
        let Applicable { rules, former, former_is_missing } = self.applicable(Some(state), schema);
        let secrets = |rules: Option<Rules>| rules.map(Rules::secrets).unwrap_or_default();
        let masked = secrets(rules);
        let unmasks = secrets(former).iter().any(|secret| !masked.contains(secret));
        let may_unmask = former_is_missing && state.schema.is_some_and(|schema| schema.has_secrets);
        if schema.is_some() && (unmasks || may_unmask) {
            let own = state.schema_name().unwrap_or_default();
            return Err(Predicted::ErrorBegins(format!("BADSCHEMA states use {own}, ")));
        }
        Ok(())
    }

    /// Marks a command on a bound key, and one that moves a state to the schema of a binding.
    pub fn mark_binding(&self, line: &mut Line, key: usize) {
        let Some(bound) = bound_to(&self.bindings, key) else { return };
        let name = line.marks[0].clone();
        line.marks.push(format!("{name} bound"));
        let state = self.slots[key].state.as_ref();
        if state.is_some_and(|state| state.schema_name() != Some(bound)) {
            line.marks.push(format!("{name} bound anew"));
        }
    }

    /// The error of a schema that is not set.
    pub fn needs(&self, name: &'static str) -> Result<(), Predicted> {
        if self.schemas.contains_key(name) {
            return Ok(());
        }
        Err(Predicted::Error(format!(
            "NOSCHEMA no schema is named {name}; STATE.SCHEMA SET {name} <json> makes it"
        )))
    }

    /// The number of states that use a schema.
    pub fn users(&self, name: &str) -> u64 {
        let states = self.slots.iter().filter_map(|slot| slot.state.as_ref());
        states.filter(|state| state.schema_name() == Some(name)).count() as u64
    }

    /// The number of schemas that are not set, as a weight for setting one.
    pub fn schemas_missing(&self) -> u32 {
        SCHEMAS.iter().map(|name| u32::from(!self.schemas.contains_key(name))).sum()
    }

    pub fn set_schema(&mut self, name: &'static str, text: SchemaText) -> (Line, Predicted) {
        let rules = match text {
            SchemaText::NotASchema(row) => {
                let (text, begins) = NOT_A_SCHEMA[row];
                return (Line::new("STATE.SCHEMA SET", &[name, text]), Predicted::ErrorBegins(begins.into()));
            }
            SchemaText::Rules { rules, .. } => rules,
        };
        // Insignificant space makes no other schema.
        let spaced = matches!(text, SchemaText::Rules { spaced: true, .. });
        let text = if spaced { rules.text().replace("\":", "\" :\n ") } else { rules.text().to_owned() };
        let revision = match self.schemas.get(name) {
            None => 1,
            Some((present, revision)) if *present == rules => *revision,
            Some((_, revision)) => revision + 1,
        };
        self.schemas.insert(name, (rules, revision));
        bind_own(&mut self.bindings, name, rules);
        (Line::new("STATE.SCHEMA SET", &[name, &text]), Predicted::Int(revision))
    }

    /// The schemas that are set, and those that are missing but bound.
    pub fn list(&self) -> Predicted {
        let names: BTreeSet<&'static str> =
            self.schemas.keys().chain(self.bindings.values()).copied().collect();
        let described = names.into_iter().map(|name| {
            let known = self.schemas.get(name).map(|(rules, revision)| (rules.text().len(), *revision));
            let (bytes, revision) = known.unwrap_or_default();
            let patterns = self.bindings.iter().filter(|(_, bound)| **bound == name);
            Predicted::Map(vec![
                ("name", Predicted::text(name)),
                ("revision", Predicted::Int(revision)),
                ("bytes", Predicted::Int(bytes as u64)),
                ("states", Predicted::Int(self.users(name))),
                (
                    "bindings",
                    Predicted::AnyOrder(patterns.map(|(pattern, _)| PATTERNS[*pattern].0).collect()),
                ),
            ])
        });
        Predicted::List(described.collect())
    }

    pub fn bind(&mut self, pattern: usize, name: &'static str) -> (Line, Predicted) {
        let predicted = match self.needs(name) {
            Err(unknown) => unknown,
            Ok(()) => {
                self.bindings.insert(pattern, name);
                Predicted::Ok
            }
        };
        (Line::new("STATE.SCHEMA BIND", &[PATTERNS[pattern].0, name]), predicted)
    }

    pub fn unbind(&mut self, pattern: usize) -> (Line, Predicted) {
        let existed = self.bindings.remove(&pattern).is_some();
        (Line::new("STATE.SCHEMA UNBIND", &[PATTERNS[pattern].0]), Predicted::Int(u64::from(existed)))
    }

    pub fn delete_schema(&mut self, name: &'static str, force: bool) -> (Line, Predicted) {
        let mut line = Line::new("STATE.SCHEMA DEL", &[name]);
        if force {
            line.option("FORCE", &[]);
        }
        let users = self.users(name);
        let bound = self.bindings.values().filter(|bound| **bound == name).count();
        let predicted = match self.needs(name) {
            Err(unknown) => unknown,
            Ok(()) if users > 0 && !force => Predicted::ErrorBegins(format!("BADSCHEMA {users} state")),
            Ok(()) if bound > 0 && !force => Predicted::ErrorBegins(format!("BADSCHEMA {bound} binding")),
            Ok(()) => {
                self.schemas.remove(name);
                Predicted::Int(1)
            }
        };
        (line, predicted)
    }
}
