//! How long a state is there: TOUCH and DELETE.

use crate::changes::foreign_audit;
use crate::command::{AUDITS, Common, Expected, KEYS};
use crate::line::Line;
use crate::want::{Trail, Want};
use crate::world::{Step, World};

impl World {
    pub fn delete(&mut self, key: usize, expected: Expected, purge: bool, common: &Common) -> Step {
        let claim = self.slots[key].claim(expected);
        let mut line = self.line("STATE.DELETE", key, &claim);
        let said = Common { ttl: None, returns: false, ..common.clone() };
        if purge {
            line.option("PURGE", &[]);
        }
        line.common(&said, AUDITS[key]);
        let checked = foreign_audit(common).map_or(Ok(()), Err);
        let want = match checked.and_then(|()| claim.check(self.slots[key].state.as_ref(), false)) {
            Err(want) => self.refuse(key, want, common),
            Ok(()) => {
                self.record(key, "delete", &common.remarks, Vec::new(), None);
                let slot = &mut self.slots[key];
                slot.state = None;
                if purge {
                    slot.trail = Trail::default();
                }
                Want::Int(1)
            }
        };
        let words = line.words(Some(common));
        self.step(line, words, want, Some(key), "deleted")
    }

    pub fn touch(&mut self, key: usize, common: &Common) -> Step {
        let mut line = Line::new("STATE.TOUCH", &[KEYS[key]]);
        line.ttl(common.ttl);
        line.audit(common, AUDITS[key]);
        let state = self.slots[key].state.as_ref();
        let (want, outcome) = match (foreign_audit(common), state) {
            (Some(refusal), _) => (refusal, ""),
            (None, None) => (Want::Int(0), "nothing there"),
            (None, Some(state)) => {
                let schema = state.schema_name();
                let expiry = self.expiry(common.ttl, Some(state.expiry), schema);
                self.slots[key].state.as_mut().expect("looked at above").expiry = expiry;
                (Want::Int(1), "touched")
            }
        };
        let words = line.words(Some(common));
        self.step(line, words, want, Some(key), outcome)
    }
}
