//! Receives a message at the user's turn: a choice or a text goes to the component of the step,
//! "back" leads one step back, a restart word to a new login, and a tap on a past menu changes
//! nothing.

use redis_state_client::{Error, ErrorKind, State};
use redis_state_vimbiso::channel::{Context, ErrorContext, ErrorHandler, ValidationResult};
use serde_json::json;

use super::headquarters::{before, confirms_typed, dashboard, dashboard_step, greeting_step, way_out};
use super::menus::{BACK, Said, said};
use super::place::Place;
use super::{Conversation, components, display};
use crate::ledger::{Decision, Ledger};
use crate::message::Inbound;

impl<L: Ledger> Conversation<L> {
    /// Passes a message to the component whose turn it is. Returns a text for the user, such as why
    /// an input is invalid.
    pub(super) async fn take(
        &self,
        place: &mut Place,
        state: &State<Context>,
        message: &Inbound,
    ) -> Result<Option<String>, Error> {
        let step = state.document.current.step();
        if step == greeting_step() {
            return self.begin(place, state).await;
        }
        let is_back = message.text.trim().to_lowercase() == BACK;
        match said(&state.document, message) {
            Said::Past => {
                place.note("choice of a past menu").await?;
                Ok(Some(display::PAST.to_owned()))
            }
            Said::Chosen(choice) if choice == BACK => self.go_back(place, state).await,
            Said::Text(_) if is_back => self.go_back(place, state).await,
            Said::Text(text) if self.restart.has(text) && !confirms_typed(&step) => {
                // The greeting's input is there already, so headquarters goes on to the login.
                let said = json!({"said": true});
                place.go(state.etag, &greeting_step(), &said, None, place.taken_in()).await?;
                Ok(None)
            }
            heard => self.pass(place, state, message, &heard).await,
        }
    }

    /// At the greeting every message begins, a tap on the last session's menu too.
    async fn begin(&self, place: &mut Place, state: &State<Context>) -> Result<Option<String>, Error> {
        let id = place.taken_in();
        let input = ValidationResult::success(json!({"said": true}));
        let taken = place.channel.input(greeting_step()).id(id).submit(input).await?;
        let wrong = self.wrong(place, taken).await;
        let began_anew = !dashboard(&state.document).member.id.is_empty();
        Ok(wrong.or_else(|| began_anew.then(|| display::WELCOME_BACK.to_owned())))
    }

    async fn pass(
        &self,
        place: &mut Place,
        state: &State<Context>,
        message: &Inbound,
        heard: &Said<'_>,
    ) -> Result<Option<String>, Error> {
        let context = &state.document;
        let (step, id) = (context.current.step(), place.taken_in());
        let (held, text) = (dashboard(context), message.text.as_str());
        let input = match (step.path.as_str(), step.component.as_str()) {
            ("onboard", "Welcome") => components::welcome(heard),
            ("onboard", "FirstNameInput") => components::name(text, "firstname"),
            ("onboard", _) => components::name(text, "lastname"),
            ("account", _) => components::choice(held.member.tier, heard),
            ("offer", "AmountInput") => components::amount(text, &held.denominations),
            ("offer", "HandleInput") => components::handle(text),
            ("switch", _) => components::account(&held.accounts, heard),
            ("ledger", _) => ValidationResult::success(json!({"seen": true})),
            (path, "OfferList") => {
                let offers = Decision::of(path).map(|decision| held.pending(decision)).unwrap_or_default();
                components::offer(path, offers, heard)
            }
            _ => {
                // The version that is written may be another question than the one that was read.
                let mut confirm = place.channel.confirm(step).id(id);
                let decided = confirm.decide(|context| components::confirmation(&said(context, message)));
                let decided = decided.await?;
                return Ok(self.wrong(place, decided).await);
            }
        };
        let taken = place.channel.input(step).id(id).submit(input).await?;
        Ok(self.wrong(place, taken).await)
    }

    /// The text about a rejected input.
    async fn wrong<T>(&self, place: &mut Place, result: ValidationResult<T>) -> Option<String> {
        match result {
            ValidationResult::Success(_) => None,
            // A typing error of the user: counted, not logged.
            ValidationResult::Failure(context) if context.kind.is_none() => Some(context.message),
            ValidationResult::Failure(context) => self.handled(place, context).await,
        }
    }

    pub(super) async fn handled(&self, place: &mut Place, context: ErrorContext) -> Option<String> {
        ErrorHandler::default().handle_error(&mut place.channel, context).await.ok()
    }

    /// One step back in a form; from the first step of a flow to the dashboard.
    async fn go_back(&self, place: &mut Place, state: &State<Context>) -> Result<Option<String>, Error> {
        let (step, id) = (state.document.current.step(), place.taken_in());
        if step == dashboard_step() {
            place.note("back at the menu").await?;
            return Ok(Some("You are at the menu.".to_owned()));
        }
        let Some(before) = before(&step) else {
            place.go(state.etag, &way_out(&step), &json!({}), None, id).await?;
            return Ok(None);
        };
        match place.back(state.etag, &before, false, id.clone()).await {
            Err(error) if error.kind() == ErrorKind::NoVersion => {
                place.go(state.etag, &way_out(&step), &json!({}), None, id).await?;
                Ok(None)
            }
            done => done.map(|()| None),
        }
    }
}
