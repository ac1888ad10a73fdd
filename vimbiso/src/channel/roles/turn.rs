//! The turn of a writing component: which component it is, the name of its attempts, and its only
//! way to write.

use redis_state_client::{Change, Driver, Edit, Error, ErrorKind, Result, Verb};

use crate::channel::document::Step;
use crate::channel::place::{Context, Place};
use crate::channel::result::{ErrorContext, is_by_the_rules};

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

    /// An edit of protected members by this component, counted as an attempt.
    pub(crate) fn edit_protected(&mut self) -> Edit<'_, D, impl Verb> {
        let edit = self.place.states.edit_protected(&self.place.key);
        named(edit, &self.step.component, &self.operation, self.id.as_deref())
    }

    /// Writes the change that `change` makes of the context, if it is this component's turn in
    /// exactly the version that is written. The server has counted a rejection, which is an
    /// ordinary failure.
    pub(crate) async fn write(
        &mut self,
        mut change: impl FnMut(&Context) -> Result<Change> + Send,
    ) -> Result<Result<(), ErrorContext>> {
        let step = self.step.clone();
        let edit = self.place.states.edit(&self.place.key);
        let edit = named(edit, &self.step.component, &self.operation, self.id.as_deref());
        let written = edit.with(|context: &Context| {
            ensure_turn(&step, &context.current.step())?;
            change(context)
        });
        let written = D::resolve(written).await.map(drop);
        self.settled(written)
    }

    /// A rejection has been counted.
    pub(crate) fn settled(&self, written: Result<()>) -> Result<Result<(), ErrorContext>> {
        match written {
            Ok(()) => Ok(Ok(())),
            Err(error) if is_by_the_rules(error.kind()) => {
                Ok(Err(ErrorContext::of(&error, "update").counted_for(&self.step.component)))
            }
            Err(error) => Err(error),
        }
    }

    /// Counts a failure before any write.
    pub(crate) async fn failed(&mut self, context: ErrorContext) -> Result<ErrorContext> {
        let id = self.id.as_deref();
        self.place.failed(&self.operation, &self.step.component, &context.message, id).await?;
        Ok(context.counted_for(&self.step.component))
    }
}

fn named<'a, D: Driver, V: Verb>(
    edit: Edit<'a, D, V>,
    component: &str,
    operation: &str,
    id: Option<&str>,
) -> Edit<'a, D, V> {
    let edit = edit.actor(component).operation(operation).component(component);
    match id {
        Some(token) => edit.id(token),
        None => edit,
    }
}

/// A conflict unless it is this step's turn: the user has moved on, and this message is late.
pub(crate) fn ensure_turn(step: &Step, current: &Step) -> Result<()> {
    if step == current {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Conflict, format!("CONFLICT it is not the turn of {step} but of {current}")))
}
