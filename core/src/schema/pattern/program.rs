//! The states of an expression, each of which reads one character, and the run of a text through
//! them.
//!
//! All reachable states advance at once, so a text is read once, without backtracking. The work for
//! a character is the number of live states, and is charged.

use super::class::{Class, is_word};
use super::parse::{Assertion, Expression};
use super::size::{PATTERN_STATES_MAX, too_large};
use crate::budget::Budget;
use crate::error::Error;

/// The charge of following a state, or of matching a character against it.
const STATE_COST: usize = 4;
/// The charge of a run, which allocates its lists of states.
const RUN_COST: usize = 80;

#[derive(Clone, Copy, Debug)]
enum State {
    /// Reads a character of a class.
    Read {
        class: usize,
        next: usize,
    },
    /// Continues in two states.
    Split(usize, usize),
    /// Continues where an assertion holds.
    Assert {
        assertion: Assertion,
        next: usize,
    },
    Match,
}

/// A pattern as states.
#[derive(Debug)]
pub(super) struct Program {
    states: Vec<State>,
    classes: Vec<Class>,
    start: usize,
    /// Whether it can match only at the beginning of a text.
    anchored: bool,
}

impl Program {
    /// Compiles an expression, or says why it is too large.
    pub(super) fn compile(expression: &Expression, classes: Vec<Class>) -> Result<Program, String> {
        if states_of(expression) > PATTERN_STATES_MAX {
            return Err(too_large());
        }
        let mut program =
            Program { states: vec![State::Match], classes, start: 0, anchored: begins_anchored(expression) };
        program.start = program.emit(expression, 0);
        Ok(program)
    }

    pub(super) fn states(&self) -> usize {
        self.states.len()
    }

    fn push(&mut self, state: State) -> usize {
        self.states.push(state);
        self.states.len().saturating_sub(1)
    }

    /// Adds the states of an expression before the state `next`; returns the first.
    fn emit(&mut self, expression: &Expression, next: usize) -> usize {
        match expression {
            Expression::Empty => next,
            Expression::Class(class) => self.push(State::Read { class: *class, next }),
            Expression::Assert(assertion) => self.push(State::Assert { assertion: *assertion, next }),
            Expression::Concat(parts) => parts.iter().rev().fold(next, |next, part| self.emit(part, next)),
            Expression::Alternate(branches) => {
                let starts: Vec<usize> = branches.iter().map(|branch| self.emit(branch, next)).collect();
                let joined = |other, start| self.push(State::Split(start, other));
                starts.into_iter().rev().reduce(joined).unwrap_or(next)
            }
            Expression::Repeat { of, min, max } => self.emit_repeat(of, *min, *max, next),
        }
    }

    fn emit_repeat(&mut self, of: &Expression, min: u32, max: Option<u32>, next: usize) -> usize {
        if states_of(of) == 0 {
            return next;
        }
        let (mut start, copies) = match max {
            None => {
                let split = self.push(State::Split(next, next));
                let body = self.emit(of, split);
                if let Some(state) = self.states.get_mut(split) {
                    *state = State::Split(body, next);
                }
                // The loop is the last of the required copies.
                if min > 0 { (body, min.saturating_sub(1)) } else { (split, 0) }
            }
            Some(max) => {
                let optional = max.saturating_sub(min);
                let start = (0..optional).fold(next, |start, _| {
                    let body = self.emit(of, start);
                    self.push(State::Split(body, next))
                });
                (start, min)
            }
        };
        for _ in 0..copies {
            start = self.emit(of, start);
        }
        start
    }

    /// Whether it matches anywhere in `text`.
    ///
    /// Errors: `TOOCOSTLY`.
    pub(super) fn matches(&self, text: &str, budget: &Budget) -> Result<bool, Error> {
        budget.charge(RUN_COST.saturating_add(self.states.len()))?;
        let mut run = Run {
            program: self,
            seen: vec![0; self.states.len()],
            place: 0,
            waiting: Vec::new(),
            reading: Vec::new(),
            work: 0,
        };
        let mut before = None;
        let mut rest = text.chars();
        loop {
            let after = rest.clone().next();
            if run.place == 0 || !self.anchored {
                run.waiting.push(self.start);
            }
            let is_match = run.follow(before, after);
            budget.charge(run.work.saturating_mul(STATE_COST))?;
            match (is_match, rest.next()) {
                (true, _) => return Ok(true),
                (false, None) => return Ok(false),
                (false, Some(character)) => run.read(character),
            }
            if self.anchored && run.waiting.is_empty() {
                return Ok(false);
            }
            before = after;
        }
    }
}

/// The run of a text through a program.
struct Run<'p> {
    program: &'p Program,
    /// By state: 1 + the position at which it was last followed.
    seen: Vec<usize>,
    place: usize,
    /// States to follow at this position.
    waiting: Vec<usize>,
    /// States that read a character here.
    reading: Vec<usize>,
    /// The number of states followed or matched at this position.
    work: usize,
}

impl Run<'_> {
    /// Follows all states up to those that read a character; returns whether one is the match.
    fn follow(&mut self, before: Option<char>, after: Option<char>) -> bool {
        self.place = self.place.saturating_add(1);
        self.reading.clear();
        self.work = 1;
        while let Some(number) = self.waiting.pop() {
            self.work = self.work.saturating_add(1);
            let (Some(seen), Some(state)) = (self.seen.get_mut(number), self.program.states.get(number))
            else {
                continue;
            };
            if std::mem::replace(seen, self.place) == self.place {
                continue;
            }
            match *state {
                State::Match => return true,
                State::Read { .. } => {
                    self.work = self.work.saturating_add(1);
                    self.reading.push(number);
                }
                State::Split(one, other) => self.waiting.extend([one, other]),
                State::Assert { assertion, next } => {
                    if assertion.holds(before, after) {
                        self.waiting.push(next);
                    }
                }
            }
        }
        false
    }

    /// Reads a character: the successors of the matching states become pending.
    fn read(&mut self, character: char) {
        for number in &self.reading {
            let Some(State::Read { class, next }) = self.program.states.get(*number) else { continue };
            let class = self.program.classes.get(*class);
            if class.is_some_and(|class| class.contains(u32::from(character))) {
                self.waiting.push(*next);
            }
        }
    }
}

impl Assertion {
    fn holds(self, before: Option<char>, after: Option<char>) -> bool {
        let is_boundary = || before.is_some_and(is_word) != after.is_some_and(is_word);
        match self {
            Assertion::Start => before.is_none(),
            Assertion::End => after.is_none(),
            Assertion::Boundary => is_boundary(),
            Assertion::NoBoundary => !is_boundary(),
        }
    }
}

/// The number of states of an expression.
fn states_of(expression: &Expression) -> usize {
    match expression {
        Expression::Empty => 0,
        Expression::Class(_) | Expression::Assert(_) => 1,
        Expression::Concat(parts) => parts.iter().map(states_of).fold(0, usize::saturating_add),
        Expression::Alternate(branches) => {
            branches.iter().map(states_of).fold(branches.len(), usize::saturating_add)
        }
        Expression::Repeat { of, min, max } => {
            let of = states_of(of);
            let copies = max.unwrap_or(min.saturating_add(1)).max(1) as usize;
            if of == 0 { 0 } else { copies.saturating_mul(of.saturating_add(1)) }
        }
    }
}

/// Whether every way into it begins with `^`.
fn begins_anchored(expression: &Expression) -> bool {
    match expression {
        Expression::Assert(Assertion::Start) => true,
        Expression::Concat(parts) => parts.first().is_some_and(begins_anchored),
        Expression::Alternate(branches) => branches.iter().all(begins_anchored),
        Expression::Repeat { of, min, .. } => *min > 0 && begins_anchored(of),
        Expression::Empty | Expression::Class(_) | Expression::Assert(_) => false,
    }
}
