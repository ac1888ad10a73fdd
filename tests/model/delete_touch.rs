//! STATE.DELETE and STATE.TOUCH.

use crate::audit_stream::AuditStream;
use crate::command::{AUDITS, Common, ExpectedChoice, KEYS};
use crate::command_line::Line;
use crate::expected;
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
        let checked =
            checked.and_then(|()| expected::check(&expected, self.slots[key].state.as_ref(), false));
        let predicted = match checked {
            Err(error) => self.reject(key, error, common),
            Ok(()) => {
                self.record(key, "delete", &common.metadata, Vec::new(), None);
                let slot = &mut self.slots[key];
                slot.state = None;
                if purge {
                    slot.audit = AuditStream::default();
                }
                Predicted::Int(1)
            }
        };
        self.step(line, Some(common), predicted, Some(key), "deleted")
    }

    pub fn touch(&mut self, key: usize, common: &Common) -> Step {
        let mut line = Line::new("STATE.TOUCH", &[KEYS[key]]);
        line.ttl(common.ttl);
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
