//! STATE.ATTEMPT and STATE.ATTEMPTS.

use reference::attempts::{Attempt, Outcome};

use crate::audit_stream::Field;
use crate::command::{self, AUDITS, KEYS, Metadata, Tick};
use crate::command_line::Line;
use crate::predicted::Predicted;
use crate::state::State;
use crate::update::foreign_audit;
use crate::world::{Step, World};

/// The arguments of an attempt besides its operation and outcome.
#[derive(Clone, Debug)]
pub struct Details {
    pub component: Option<&'static str>,
    pub tick: Tick,
    pub error: Option<AttemptError>,
}

/// The error of an attempt: that of ERROR, or the error reply of a command.
#[derive(Clone, Copy, Debug)]
pub enum AttemptError {
    Given(&'static str),
    Reply(Tick),
}

impl State {
    /// The reply about one operation; `kept` is `state.attempts-history`.
    fn attempts_of(&self, operation: &str, count: Option<usize>, kept: usize) -> Predicted {
        let history: Vec<Predicted> = self.attempts.history(operation, kept).map(described).collect();
        Predicted::Map(vec![
            ("attempts", Predicted::Int(self.attempts.count(operation))),
            ("failures", Predicted::Int(self.attempts.failures(operation))),
            ("latest", history.first().cloned().unwrap_or(Predicted::Nil)),
            ("history", Predicted::List(history.into_iter().take(count.unwrap_or(usize::MAX)).collect())),
        ])
    }
}

fn described(attempt: &Attempt<Details>) -> Predicted {
    let Details { component, tick, error } = attempt.details;
    let error = match error {
        None => Predicted::Nil,
        Some(AttemptError::Given(text)) => Predicted::text(text),
        Some(AttemptError::Reply(tick)) => Predicted::ErrorOf(tick),
    };
    Predicted::Map(vec![
        ("operation", Predicted::text(&attempt.operation)),
        ("component", Predicted::optional(component)),
        ("timestamp", Predicted::Time(tick)),
        ("success", Predicted::Int(u64::from(attempt.outcome == Outcome::Success))),
        ("error", error),
    ])
}

impl World {
    pub fn attempt(&mut self, attempt: &command::Attempt) -> Step {
        let command::Attempt { key, operation, outcome, component, error, ref common } = *attempt;
        let capitals = outcome.word().to_uppercase();
        let word = if common.small { outcome.word() } else { capitals.as_str() };
        let mut line = Line::new("STATE.ATTEMPT", &[KEYS[key], operation, word]);
        line.marks.push(format!("STATE.ATTEMPT {capitals}"));
        line.option_if("COMPONENT", component);
        line.option_if("ERROR", error);
        line.option_if("ACTOR", common.metadata.actor);
        line.option_if("TURN", common.metadata.turn);
        line.audit(common, AUDITS[key]);
        let state = self.slots[key].state.as_ref();
        let predicted = match (foreign_audit(common), state) {
            (Some(rejection), _) => rejection,
            (None, None) => Predicted::no_state(),
            (None, Some(state)) => {
                let schema = state.schema_name();
                // A clearing does not move the expiry.
                let moved =
                    (outcome != Outcome::Clear).then(|| self.expiry(None, Some(state.expiry), schema));
                let details = Details { component, tick: self.tick, error: error.map(AttemptError::Given) };
                let state = self.slots[key].state.as_mut().expect("Some above");
                state.expiry = moved.unwrap_or(state.expiry);
                state.attempts.record(operation, outcome, details);
                let count = state.attempts.count(operation);
                let metadata = Metadata {
                    actor: common.metadata.actor,
                    operation: Some(operation),
                    component,
                    turn: common.metadata.turn,
                    ..Metadata::default()
                };
                self.record_attempt(key, outcome, &metadata, error);
                Predicted::Int(count)
            }
        };
        self.step(line, Some(common), predicted, Some(key), "counted")
    }

    /// The audit entry of an attempt without a version.
    pub fn record_attempt(&mut self, key: usize, outcome: Outcome, metadata: &Metadata, error: Option<&str>) {
        let mut fields = vec![("outcome", Field::Text(outcome.word().into()))];
        fields.extend(error.map(|error| ("error", Field::Text(error.into()))));
        self.record(key, "attempt", metadata, fields, None);
    }

    pub fn attempts(&self, key: usize, operation: Option<&str>, count: Option<usize>) -> (Line, Predicted) {
        let mut line = Line::new("STATE.ATTEMPTS", &[KEYS[key]]);
        if let Some(operation) = operation {
            line = line.arg(operation.into());
            line.marks.push("STATE.ATTEMPTS operation".into());
        }
        line.option_if("COUNT", count.map(|count| count.to_string()).as_deref());
        let kept = self.settings.attempts_history;
        let predicted = self.of_state(key, |state| match operation {
            None => state.attempts(count),
            Some(operation) => state.attempts_of(operation, count, kept),
        });
        (line, predicted)
    }
}
