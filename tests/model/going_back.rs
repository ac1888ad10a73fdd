//! The commands that go back: ROLLBACK to an earlier document, RESET to the defaults.

use crate::changes::foreign_audit;
use crate::claim::Claim;
use crate::command::{AUDITS, Common, Expected, Rollback, Target, Ttl};
use crate::line::Line;
use crate::settle::Proposal;
use crate::state::tree;
use crate::want::Want;
use crate::world::{Step, World};

impl World {
    pub fn rollback(&mut self, rollback: &Rollback) -> Step {
        let (key, common) = (rollback.key, &rollback.common);
        let claim = self.slots[key].claim(rollback.expected);
        let mut line = self.line("STATE.ROLLBACK", key, &claim);
        self.mark_binding(&mut line, key);
        match rollback.target {
            Target::Steps(None) => {}
            Target::Steps(Some(steps)) => line.option("STEPS", &[&steps.to_string()]),
            Target::To(past) => {
                let number = self.slots[key].state.as_ref().map_or(1, |state| state.number(past));
                line.option("TO", &[&number.to_string()]);
            }
            Target::Label(name) => line.option("LABEL", &[name]),
            Target::LastValid => line.option("LASTVALID", &[]),
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
        let proposed = self.gone_back(rollback, &claim);
        self.went_back(key, line, common, proposed)
    }

    pub fn reset(&mut self, key: usize, expected: Expected, common: &Common) -> Step {
        let claim = self.slots[key].claim(expected);
        let mut line = self.line("STATE.RESET", key, &claim);
        self.mark_binding(&mut line, key);
        let proposed = self.begun_anew(key, &claim, common.ttl);
        self.went_back(key, line, common, proposed)
    }

    /// The end of both.
    fn went_back(
        &mut self,
        key: usize,
        mut line: Line,
        common: &Common,
        proposed: Result<Proposal, Want>,
    ) -> Step {
        line.common(common, AUDITS[key]);
        let done = match foreign_audit(common) {
            Some(refusal) => Err(refusal),
            None => proposed.and_then(|proposal| self.settle(key, proposal, &common.remarks, false)),
        };
        let (want, outcome) = match done {
            Ok((etag, outcome)) => (Want::state(etag, common.returns), outcome),
            Err(want) => (self.refuse(key, want, common), ""),
        };
        let words = line.words(Some(common));
        self.step(line, words, want, Some(key), outcome)
    }

    fn gone_back(&self, rollback: &Rollback, claim: &Claim) -> Result<Proposal, Want> {
        let state = self.slots[rollback.key].state.as_ref();
        claim.check(state, false)?;
        let state = state.expect("the claim was checked");
        let schema = self.schema_for(rollback.key, Some(state), None, false)?;
        let obeyed = self.obeyed(Some(state), schema);
        let (parent, value) = state.target(rollback, obeyed)?;
        Ok(Proposal {
            event: "rollback",
            parent,
            value,
            rung: None,
            limit: None,
            obeyed,
            schema,
            label: None,
            ttl: rollback.common.ttl,
        })
    }

    fn begun_anew(&self, key: usize, claim: &Claim, ttl: Option<Ttl>) -> Result<Proposal, Want> {
        let state = self.slots[key].state.as_ref();
        claim.check(state, false)?;
        let state = state.expect("the claim was checked");
        let schema = self.schema_for(key, Some(state), None, false)?;
        let obeyed = self.obeyed(Some(state), schema);
        let value = obeyed.reset(&tree(&state.head().text));
        let (event, parent) = ("reset", state.head().number);
        Ok(Proposal { event, rung: None, parent, value, limit: None, obeyed, schema, label: None, ttl })
    }
}
