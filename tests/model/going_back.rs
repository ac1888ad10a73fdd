//! The commands that go back: ROLLBACK.

use crate::changes::foreign_audit;
use crate::claim::Claim;
use crate::command::{AUDITS, Rollback, Target};
use crate::want::Want;
use crate::world::{Proposal, Step, World};

impl World {
    pub fn rollback(&mut self, rollback: &Rollback) -> Step {
        let (key, common) = (rollback.key, &rollback.common);
        let claim = self.slots[key].claim(rollback.expected);
        let mut line = self.line("STATE.ROLLBACK", key, &claim);
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
        line.common(common, AUDITS[key]);
        let done = match foreign_audit(common) {
            Some(refusal) => Err(refusal),
            None => self
                .gone_back(rollback, &claim)
                .and_then(|proposal| self.settle(key, proposal, &common.remarks, false)),
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
        let schema = state.schema_name();
        if let Some(name) = schema {
            self.needs(name)?;
        }
        let obeyed = self.obeyed(Some(state), schema);
        let (parent, value) = state.target(rollback, obeyed)?;
        Ok(Proposal {
            event: "rollback",
            parent,
            value,
            limit: None,
            obeyed,
            schema,
            label: None,
            ttl: rollback.common.ttl,
        })
    }
}
