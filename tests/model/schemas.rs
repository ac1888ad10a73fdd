//! The schemas by name and the patterns that are bound to them: STATE.SCHEMA, and which schema counts for a command.

use std::collections::BTreeSet;

use crate::bindings::{PATTERNS, bind_own, bound_to};
use crate::command::{SCHEMAS, SchemaText};
use crate::keep::Obeyed;
use crate::line::Line;
use crate::rules::{NOT_A_SCHEMA, Rules};
use crate::state::State;
use crate::want::Want;
use crate::world::World;

impl World {
    pub fn rules(&self, schema: Option<&'static str>) -> Option<Rules> {
        self.schemas.get(schema?).map(|(rules, _)| *rules)
    }

    /// The rules of a command: those of the schema that counts, and of the state's own until now when that is another.
    pub fn obeyed(&self, state: Option<&State>, schema: Option<&'static str>) -> Obeyed {
        let own = state.and_then(State::schema_name);
        let former = own.filter(|_| own != schema);
        let former_is_gone = former.is_some() && self.rules(former).is_none();
        Obeyed { rules: self.rules(schema), former: self.rules(former), former_is_gone }
    }

    /// The schema that counts for a command: the one that the key is bound to, else the state's own, else the one that is
    /// named. Only SETPROTECTED may name another for a state that is there.
    pub fn schema_for(
        &self,
        key: usize,
        state: Option<&State>,
        named: Option<&'static str>,
        protect: bool,
    ) -> Result<Option<&'static str>, Want> {
        let other = |refusal: String| {
            let refusal = Want::ErrorBegins(refusal);
            Err(match named.map_or(Ok(()), |named| self.needs(named)) {
                Ok(()) => refusal,
                // Neither known nor the one that counts: the contract does not say what is said first.
                Err(unknown) => Want::OneOf(vec![refusal, unknown]),
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

    /// Only SETPROTECTED moves a state to a schema under which a secret of its own schema is none.
    fn may_move(&self, state: &State, schema: Option<&'static str>) -> Result<(), Want> {
        let Obeyed { rules, former, former_is_gone } = self.obeyed(Some(state), schema);
        let secrets = |rules: Option<Rules>| rules.map(Rules::secrets).unwrap_or_default();
        let hidden = secrets(rules);
        let shows = secrets(former).iter().any(|place| !hidden.contains(place));
        let may_show = former_is_gone && state.schema.is_some_and(|schema| schema.has_secrets);
        if schema.is_some() && (shows || may_show) {
            let own = state.schema_name().unwrap_or_default();
            return Err(Want::ErrorBegins(format!("BADSCHEMA states use {own}, ")));
        }
        Ok(())
    }

    /// Counts a command on a bound key, and one that makes a state obey another schema than before.
    pub fn mark_binding(&self, line: &mut Line, key: usize) {
        let Some(bound) = bound_to(&self.bindings, key) else { return };
        let name = line.marks[0].clone();
        line.marks.push(format!("{name} bound"));
        let state = self.slots[key].state.as_ref();
        if state.is_some_and(|state| state.schema_name() != Some(bound)) {
            line.marks.push(format!("{name} bound anew"));
        }
    }

    /// Refuses a schema that nobody has set.
    pub fn needs(&self, name: &'static str) -> Result<(), Want> {
        if self.schemas.contains_key(name) {
            return Ok(());
        }
        Err(Want::Error(format!(
            "NOSCHEMA no schema is named {name}; STATE.SCHEMA SET {name} <json> makes it"
        )))
    }

    /// How many states obey each schema, all keys together.
    pub fn users(&self, name: &str) -> u64 {
        let states = self.slots.iter().filter_map(|slot| slot.state.as_ref());
        states.filter(|state| state.schema_name() == Some(name)).count() as u64
    }

    /// How many schemas are not set: the fewer there are, the more often one should be.
    pub fn schemas_missing(&self) -> u32 {
        SCHEMAS.iter().map(|name| u32::from(!self.schemas.contains_key(name))).sum()
    }

    pub fn set_schema(&mut self, name: &'static str, text: SchemaText) -> (Line, Want) {
        let rules = match text {
            SchemaText::NotASchema(row) => {
                let (text, begins) = NOT_A_SCHEMA[row];
                return (Line::new("STATE.SCHEMA SET", &[name, text]), Want::ErrorBegins(begins.into()));
            }
            SchemaText::Rules { rules, .. } => rules,
        };
        // The same text written with space is the same schema.
        let spaced = matches!(text, SchemaText::Rules { spaced: true, .. });
        let text = if spaced { rules.text().replace("\":", "\" :\n ") } else { rules.text().to_owned() };
        let revision = match self.schemas.get(name) {
            None => 1,
            Some((present, revision)) if *present == rules => *revision,
            Some((_, revision)) => revision + 1,
        };
        self.schemas.insert(name, (rules, revision));
        bind_own(&mut self.bindings, name, rules);
        (Line::new("STATE.SCHEMA SET", &[name, &text]), Want::Int(revision))
    }

    /// All that are set, and those that are gone but bound.
    pub fn list(&self) -> Want {
        let names: BTreeSet<&'static str> =
            self.schemas.keys().chain(self.bindings.values()).copied().collect();
        let described = names.into_iter().map(|name| {
            let known = self.schemas.get(name).map(|(rules, revision)| (rules.text().len(), *revision));
            let (bytes, revision) = known.unwrap_or_default();
            let patterns = self.bindings.iter().filter(|(_, bound)| **bound == name);
            Want::Map(vec![
                ("name", Want::text(name)),
                ("revision", Want::Int(revision)),
                ("bytes", Want::Int(bytes as u64)),
                ("states", Want::Int(self.users(name))),
                ("bindings", Want::AnyOrder(patterns.map(|(pattern, _)| PATTERNS[*pattern].0).collect())),
            ])
        });
        Want::List(described.collect())
    }

    pub fn bind(&mut self, pattern: usize, name: &'static str) -> (Line, Want) {
        let want = match self.needs(name) {
            Err(unknown) => unknown,
            Ok(()) => {
                self.bindings.insert(pattern, name);
                Want::Ok
            }
        };
        (Line::new("STATE.SCHEMA BIND", &[PATTERNS[pattern].0, name]), want)
    }

    pub fn unbind(&mut self, pattern: usize) -> (Line, Want) {
        let existed = self.bindings.remove(&pattern).is_some();
        (Line::new("STATE.SCHEMA UNBIND", &[PATTERNS[pattern].0]), Want::Int(u64::from(existed)))
    }

    pub fn forget_schema(&mut self, name: &'static str, force: bool) -> (Line, Want) {
        let mut line = Line::new("STATE.SCHEMA DEL", &[name]);
        if force {
            line.option("FORCE", &[]);
        }
        let users = self.users(name);
        let bound = self.bindings.values().filter(|bound| **bound == name).count();
        let want = match self.needs(name) {
            Err(unknown) => unknown,
            Ok(()) if users > 0 && !force => Want::ErrorBegins(format!("BADSCHEMA {users} state")),
            Ok(()) if bound > 0 && !force => Want::ErrorBegins(format!("BADSCHEMA {bound} binding")),
            Ok(()) => {
                self.schemas.remove(name);
                Want::Int(1)
            }
        };
        (line, want)
    }
}
