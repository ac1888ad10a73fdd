//! What was tried on a state and how it went: STATE.ATTEMPT, STATE.ATTEMPTS, and the counting of updates with OPERATION.
//!
//! Everything that was ever tried is in one list, and each reply is counted out of it anew.

use crate::changes::foreign_audit;
use crate::command::{AUDITS, Attempt, KEYS, Remarks, Tally, Tick};
use crate::line::Line;
use crate::state::State;
use crate::want::{Field, Want};
use crate::world::{Step, World};

/// Something that was tried once, or a clearing.
#[derive(Clone, Debug)]
pub struct Tried {
    pub operation: &'static str,
    pub component: Option<&'static str>,
    pub tick: Tick,
    pub tally: Tally,
    pub error: Option<Wrong>,
}

/// What went wrong: what ERROR said, or what this command was answered with.
#[derive(Clone, Copy, Debug)]
pub enum Wrong {
    Said(&'static str),
    Answered(Tick),
}

impl State {
    /// What was tried of this operation since it was cleared last, oldest first.
    fn counted(&self, operation: &str) -> Vec<&Tried> {
        let of_it = self.tried.iter().filter(|tried| tried.operation == operation);
        let since = of_it.rev().take_while(|tried| tried.tally != Tally::Clear).collect::<Vec<_>>();
        since.into_iter().rev().collect()
    }

    fn attempts(&self, operation: &str) -> u64 {
        self.counted(operation).len() as u64
    }

    /// How often each operation was tried, the one whose counting began first first; a cleared one is not counted.
    pub fn attempts_of_all(&self, count: Option<usize>) -> Want {
        let mut operations: Vec<&'static str> = Vec::new();
        for tried in &self.tried {
            operations.retain(|known| tried.tally != Tally::Clear || *known != tried.operation);
            if tried.tally != Tally::Clear && !operations.contains(&tried.operation) {
                operations.push(tried.operation);
            }
        }
        let some = operations.into_iter().take(count.unwrap_or(usize::MAX));
        Want::Map(some.map(|operation| (operation, Want::Int(self.attempts(operation)))).collect())
    }

    /// One operation; a history of `kept` attempts is kept for all of them together, and no clearing shortens it.
    fn attempts_of(&self, operation: &str, count: Option<usize>, kept: usize) -> Want {
        let counted = self.counted(operation);
        let failures = counted.iter().rev().take_while(|tried| tried.tally == Tally::Failure).count() as u64;
        let history = self.tried.iter().rev().filter(|tried| tried.tally != Tally::Clear).take(kept);
        let history: Vec<Want> =
            history.filter(|tried| tried.operation == operation).map(Tried::described).collect();
        Want::Map(vec![
            ("attempts", Want::Int(counted.len() as u64)),
            ("failures", Want::Int(failures)),
            ("latest", history.first().cloned().unwrap_or(Want::Nil)),
            ("history", Want::List(history.into_iter().take(count.unwrap_or(usize::MAX)).collect())),
        ])
    }
}

impl Tried {
    fn described(&self) -> Want {
        let error = match self.error {
            None => Want::Nil,
            Some(Wrong::Said(text)) => Want::text(text),
            Some(Wrong::Answered(tick)) => Want::ErrorOf(tick),
        };
        Want::Map(vec![
            ("operation", Want::text(self.operation)),
            ("component", Want::optional(self.component)),
            ("timestamp", Want::Time(self.tick)),
            ("success", Want::Int(u64::from(self.tally == Tally::Success))),
            ("error", error),
        ])
    }
}

impl World {
    pub fn attempt(&mut self, attempt: &Attempt) -> Step {
        let Attempt { key, operation, tally, component, error, ref common } = *attempt;
        let capitals = tally.word().to_uppercase();
        let word = if common.small { tally.word() } else { capitals.as_str() };
        let mut line = Line::new("STATE.ATTEMPT", &[KEYS[key], operation, word]);
        line.marks.push(format!("STATE.ATTEMPT {capitals}"));
        line.option_if("COMPONENT", component);
        line.option_if("ERROR", error);
        line.option_if("ACTOR", common.remarks.actor);
        line.audit(common, AUDITS[key]);
        let state = self.slots[key].state.as_ref();
        let want = match (foreign_audit(common), state) {
            (Some(refusal), _) => refusal,
            (None, None) => Want::no_state(),
            (None, Some(state)) => {
                let schema = state.schema_name();
                // A clearing says nothing of anybody being there.
                let moved = (tally != Tally::Clear).then(|| self.expiry(None, Some(state.expiry), schema));
                let (tick, error) = (self.tick, error.map(Wrong::Said));
                let state = self.slots[key].state.as_mut().expect("looked at above");
                state.expiry = moved.unwrap_or(state.expiry);
                state.tried.push(Tried { operation, component, tick, tally, error });
                let attempts = state.attempts(operation);
                let remarks = Remarks {
                    actor: common.remarks.actor,
                    operation: Some(operation),
                    component,
                    ..Remarks::default()
                };
                self.record_attempt(key, tally, &remarks, attempt.error);
                Want::Int(attempts)
            }
        };
        let words = line.words(Some(common));
        self.step(line, words, want, Some(key), "counted")
    }

    /// The entry of an attempt that no version goes with.
    pub fn record_attempt(&mut self, key: usize, tally: Tally, remarks: &Remarks, error: Option<&str>) {
        let mut fields = vec![("outcome", Field::Text(tally.word().into()))];
        fields.extend(error.map(|error| ("error", Field::Text(error.into()))));
        self.record(key, "attempt", remarks, fields, None);
    }

    pub fn attempts(
        &self,
        key: usize,
        operation: Option<&'static str>,
        count: Option<usize>,
    ) -> (Line, Want) {
        let mut line = Line::new("STATE.ATTEMPTS", &[KEYS[key]]);
        if let Some(operation) = operation {
            line = line.arg(operation.into());
            line.marks.push("STATE.ATTEMPTS operation".into());
        }
        line.option_if("COUNT", count.map(|count| count.to_string()).as_deref());
        let kept = self.settings.attempts_history;
        let want = self.of_state(key, |state| match operation {
            None => state.attempts_of_all(count),
            Some(operation) => state.attempts_of(operation, count, kept),
        });
        (line, want)
    }
}
