//! STATE.DELETE and STATE.TOUCH.

use crate::command::{AUDITS, Common, ExpectedChoice, KEYS};
use crate::command_line::Line;
use crate::expected::{self, Expected};
use crate::predicted::Predicted;
use crate::update::foreign_audit;
use crate::world::{Step, World};

impl World {
    pub fn delete(&mut self, key: usize, expected: ExpectedChoice, purge: bool, common: &Common) -> Step {
        let expected = self.slots[key].expected(expected);
        let mut line = self.line("STATE.DELETE", key, &expected);
        let options = Common { ttl: None, returns: false, ..common.clone() };
        if purge {
            line.option("PURGE", &[]);
        }
        line.common(&options, AUDITS[key]);
        let checked = foreign_audit(common).map_or(Ok(()), Err);
        let state = self.slots[key].state.as_ref();
        let is_idle = purge && state.is_none() && matches!(expected, Expected::Any | Expected::Absent);
        let checked = checked.and_then(|()| match is_idle {
            true => Ok(()),
            false => expected::check(&expected, state, false),
        });
        let predicted = match checked {
            Err(error) => self.reject(key, error, common),
            Ok(()) if purge => {
                let slot = &mut self.slots[key];
                let had_state = slot.state.take().is_some();
                let audit = std::mem::take(&mut slot.audit);
                Predicted::Map(vec![
                    ("state", Predicted::Int(u64::from(had_state))),
                    ("audit", Predicted::Int(audit.entries.len() as u64)),
                    ("feed", Predicted::Int(0)),
                    ("feed_from", Predicted::Nil),
                ])
            }
            Ok(()) => {
                self.record(key, "delete", &common.metadata, Vec::new(), None);
                self.slots[key].state = None;
                Predicted::Int(1)
            }
        };
        self.step(line, Some(common), predicted, Some(key), "deleted")
    }

    pub fn touch(&mut self, key: usize, common: &Common) -> Step {
        let mut line = Line::new("STATE.TOUCH", &[KEYS[key]]);
        line.ttl(common.ttl);
        line.option_if("TURN", common.metadata.turn);
        line.audit(common, AUDITS[key]);
        let state = self.slots[key].state.as_ref();
        let (predicted, outcome) = match (foreign_audit(common), state) {
            (Some(rejection), _) => (rejection, ""),
            (None, None) => (Predicted::Int(0), "no state"),
            (None, Some(state)) => {
                let schema = state.schema_name();
                let expiry = self.expiry(common.ttl, Some(state.expiry), schema);
                self.slots[key].state.as_mut().expect("Some above").expiry = expiry;
                (Predicted::Int(1), "touched")
            }
        };
        self.step(line, Some(common), predicted, Some(key), outcome)
    }
}
