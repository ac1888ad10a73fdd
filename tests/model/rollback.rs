//! STATE.ROLLBACK and STATE.RESET.

use reference::json::tree;
use reference::rollback::{self, Target};
use serde_json::Value;

use crate::command::{AUDITS, Common, ExpectedChoice, Rollback, TargetChoice, Ttl};
use crate::command_line::Line;
use crate::commit::Proposal;
use crate::expected::{self, Expected};
use crate::predicted::Predicted;
use crate::update::foreign_audit;
use crate::world::{Step, World};

impl World {
    pub fn rollback(&mut self, rollback: &Rollback) -> Step {
        let (key, common) = (rollback.key, &rollback.common);
        let expected = self.slots[key].expected(rollback.expected);
        let mut line = self.line("STATE.ROLLBACK", key, &expected);
        self.mark_binding(&mut line, key);
        match rollback.target {
            TargetChoice::Steps(None) => {}
            TargetChoice::Steps(Some(steps)) => line.option("STEPS", &[&steps.to_string()]),
            TargetChoice::To(back) => {
                let number = self.slots[key].state.as_ref().map_or(1, |state| state.number(back));
                line.option("TO", &[&number.to_string()]);
            }
            TargetChoice::Label(name) => line.option("LABEL", &[name]),
            TargetChoice::LastValid => line.option("LASTVALID", &[]),
        }
        if let Some(pointers) = &rollback.only {
            let count = pointers.len().to_string();
            let values: Vec<&str> =
                std::iter::once(count.as_str()).chain(pointers.iter().map(String::as_str)).collect();
            line.option("ONLY", &values);
        }
        if rollback.all {
            line.option("ALL", &[]);
        }
        let proposed = self.rolled_back(rollback, &expected);
        self.finish(key, line, common, proposed)
    }

    pub fn reset(&mut self, key: usize, expected: ExpectedChoice, all: bool, common: &Common) -> Step {
        let expected = self.slots[key].expected(expected);
        let mut line = self.line("STATE.RESET", key, &expected);
        self.mark_binding(&mut line, key);
        if all {
            line.option("ALL", &[]);
        }
        let proposed = self.reset_proposal(key, &expected, all, common.ttl);
        self.finish(key, line, common, proposed)
    }

    /// The end of both commands.
    fn finish(
        &mut self,
        key: usize,
        mut line: Line,
        common: &Common,
        proposed: Result<Proposal, Predicted>,
    ) -> Step {
        line.common(common, AUDITS[key]);
        let result = match foreign_audit(common) {
            Some(rejection) => Err(rejection),
            None => proposed.and_then(|proposal| self.commit(key, proposal, &common.metadata, false)),
        };
        let (predicted, outcome) = match result {
            Ok((etag, outcome)) => (Predicted::state(etag, common.returns), outcome),
            Err(error) => (self.reject(key, error, common), ""),
        };
        self.step(line, Some(common), predicted, Some(key), outcome)
    }

    fn rolled_back(&self, rollback: &Rollback, expected: &Expected) -> Result<Proposal, Predicted> {
        let state = self.slots[rollback.key].state.as_ref();
        expected::check(expected, state, false)?;
        let state = state.expect("checked above");
        let schema = self.schema_for(rollback.key, Some(state), None, false)?;
        let applicable = self.applicable(Some(state), schema);
        let target = match rollback.target {
            TargetChoice::Steps(steps) => Target::Steps(steps.unwrap_or(1)),
            TargetChoice::To(back) => Target::Version(state.number(back)),
            TargetChoice::Label(name) => Target::Label(name),
            TargetChoice::LastValid => Target::LastValid,
        };
        let (parent, value) = state.roll_back(&rollback::Rollback {
            target,
            only: rollback.only.as_deref(),
            keep: &|target: &mut Value, present: &Value| {
                applicable.keep_present(target, present, rollback.all);
            },
            is_valid: &|document| applicable.pass(document),
        })?;
        Ok(Proposal {
            event: "rollback",
            parent,
            value,
            rung: None,
            limit: None,
            applicable,
            schema,
            label: None,
            ttl: rollback.common.ttl,
        })
    }

    fn reset_proposal(
        &self,
        key: usize,
        expected: &Expected,
        all: bool,
        ttl: Option<Ttl>,
    ) -> Result<Proposal, Predicted> {
        let state = self.slots[key].state.as_ref();
        expected::check(expected, state, false)?;
        let state = state.expect("checked above");
        let schema = self.schema_for(key, Some(state), None, false)?;
        let applicable = self.applicable(Some(state), schema);
        let value = applicable.reset(&tree(&state.head().text), all);
        let (event, parent) = ("reset", state.head().number);
        Ok(Proposal { event, rung: None, parent, value, limit: None, applicable, schema, label: None, ttl })
    }
}
