//! The turn of a component that writes: which one it is, what its attempts are counted as, and the one way it writes.

use crate::change::Change;
use crate::channel::document::Step;
use crate::channel::place::{Context, Place};
use crate::channel::result::{ErrorContext, is_by_the_rules};
use crate::driver::Driver;
use crate::error::{Error, ErrorKind, Result};
use crate::request::Verb;
use crate::states::Edit;

pub(crate) struct Turn<'a, D> {
    pub(crate) place: &'a mut Place<D>,
    pub(crate) step: Step,
    operation: String,
    id: Option<String>,
}

impl<'a, D: Driver> Turn<'a, D> {
    pub(crate) fn new(place: &'a mut Place<D>, step: Step, operation: impl Into<String>) -> Self {
        Turn { place, step, operation: operation.into(), id: None }
    }

    pub(crate) fn set_operation(&mut self, name: String) {
        self.operation = name;
    }

    pub(crate) fn set_id(&mut self, token: String) {
        self.id = Some(token);
    }

    /// An edit in the name of this component, counted as an attempt.
    pub(crate) fn edit<V: Verb>(&mut self) -> Edit<'_, D, V> {
        let component = &self.step.component;
        let edit = Edit::new(&mut self.place.states, &self.place.key)
            .actor(component)
            .operation(&self.operation)
            .component(component);
        match &self.id {
            Some(token) => edit.id(token),
            None => edit,
        }
    }

    /// Writes what `change` makes of the context, provided that it is this component's turn in the very version that is
    /// written. A refusal by the rules has been counted by the server, and is a failure like any other.
    pub(crate) async fn write<V: Verb>(
        &mut self,
        mut change: impl FnMut(&Context) -> Result<Change> + Send,
    ) -> Result<Result<(), ErrorContext>> {
        let step = self.step.clone();
        let written = self.edit::<V>().run(|context: &Context| {
            ensure_turn(&step, &context.current.step())?;
            change(context)
        });
        let written = written.await.map(drop);
        self.settled(written)
    }

    /// What was refused by the rules has been counted.
    pub(crate) fn settled(&self, written: Result<()>) -> Result<Result<(), ErrorContext>> {
        match written {
            Ok(()) => Ok(Ok(())),
            Err(error) if is_by_the_rules(error.kind()) => {
                Ok(Err(ErrorContext::of(&error, "update").counted_for(&self.step.component)))
            }
            Err(error) => Err(error),
        }
    }

    /// Counts what has failed before anything was written.
    pub(crate) async fn failed(&mut self, context: ErrorContext) -> Result<ErrorContext> {
        let id = self.id.as_deref();
        self.place.failed(&self.operation, &self.step.component, &context.message, id).await?;
        Ok(context.counted_for(&self.step.component))
    }
}

/// A conflict, unless it is the turn of this step: the person has moved on, and this message is late.
pub(crate) fn ensure_turn(step: &Step, current: &Step) -> Result<()> {
    if step == current {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Conflict, format!("CONFLICT it is not the turn of {step} but of {current}")))
}
