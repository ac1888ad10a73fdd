//! An API step: the call of the ledger, with the etag of the commit that entered the step as
//! idempotency key, and the way back when it fails.

use std::time::Duration;

use redis_state_client::{Error, ErrorKind, Etag, State};
use redis_state_vimbiso::channel::{Context, Step, ValidationResult};
use serde_json::json;

use super::calls::{Ask, Caller, Request};
use super::headquarters::{self, Next, greeting_step, way_out};
use super::place::Place;
use super::{Conversation, display, points};
use crate::crash;
use crate::ledger::{Ledger, LedgerError};

/// The polling interval while another process may still finish the step.
const GLANCE: Duration = Duration::from_millis(50);

impl<L: Ledger> Conversation<L> {
    /// Calls the ledger for the step of the state.
    pub(super) async fn call(
        &self,
        place: &mut Place,
        channel_id: &str,
        state: &State<Context>,
        ask: Ask,
        entered: Option<&(String, Etag)>,
        texts: &mut Vec<String>,
    ) -> Result<(), Error> {
        let context = &state.document;
        let step = context.current.step();
        let Some(call) = headquarters::text(context, "call").map(str::to_owned) else {
            // A list has no step that enters its call, so the call gets its ID here.
            let id = place.id(&step, state.etag);
            return place.keep(state.etag, "call", &id).await.map(drop);
        };
        let ours = entered.filter(|(id, _)| *id == call);
        let mut key = headquarters::text(context, "key").map(str::to_owned);
        if key.is_none() && ask.changes() {
            key = match ours {
                Some((_, etag)) => Some(etag.to_string()),
                None if self.finished_meanwhile(place, state.etag).await? => return Ok(()),
                None => place.made_by(&call).await?,
            };
            if key.is_none() {
                // The state was rebuilt and no longer names the call: the right key is unknown.
                texts.push("We can't tell whether that was done. Please look at your ledger.".to_owned());
                let id = place.id(&step, state.etag);
                let again = json!({"said": true});
                return place.go(state.etag, &greeting_step(), &again, None, id).await.map(drop);
            }
        }
        let request = Request { ask, call, key: key.unwrap_or_default() };
        let mut caller = Caller::new(self.ledger.clone(), channel_id);
        let answer = place.channel.api(step.clone(), &mut caller).make_api_request(&request).await?;
        match answer {
            ValidationResult::Success(_) => crash::point(points::AFTER_STORE),
            ValidationResult::Failure(failure) => {
                crash::point(points::BEFORE_BACK);
                let rejected = matches!(caller.error, Some(LedgerError::Rejected(_)));
                // An unknown handle is a typing error of the user: counted, not logged.
                let is_typed = rejected && matches!(request.ask, Ask::Find { .. });
                let told = if is_typed { None } else { self.handled(place, failure).await };
                texts.extend(match &caller.error {
                    Some(LedgerError::Rejected(text)) => Some(display::rejection(text)),
                    Some(LedgerError::Unavailable(_)) if request.ask.changes() => {
                        Some(display::UNSURE.to_owned())
                    }
                    _ => told,
                });
                let unsure = matches!(caller.error, Some(LedgerError::Unavailable(_)));
                self.step_back(place, &step, &request, unsure && request.ask.changes()).await?;
            }
        }
        Ok(())
    }

    /// After a failed call: restores the state of the question. If it is unknown whether the ledger
    /// has made the change, the key is kept, so that the next try repeats the same change.
    async fn step_back(
        &self,
        place: &mut Place,
        step: &Step,
        request: &Request,
        unsure: bool,
    ) -> Result<(), Error> {
        // The attempt, or a new token, has made versions meanwhile.
        let mut state = place.read().await?;
        let is_open = matches!(headquarters::next(&state.document), Next::Call(_));
        if state.document.current.step() != *step || !is_open {
            // Another process has got a reply with the same key.
            return Ok(());
        }
        let id = place.id(step, state.etag);
        let Some(asked) = headquarters::asked_at(step) else {
            return place.go(state.etag, &way_out(step), &json!({}), None, id).await.map(drop);
        };
        if unsure && headquarters::text(&state.document, "key").is_none() {
            state.etag = place.keep(state.etag, "key", &request.key).await?;
        }
        match place.back(state.etag, &asked, unsure, id).await {
            Err(error) if error.kind() == ErrorKind::NoVersion => {
                let to = way_out(step);
                place.go(state.etag, &to, &json!({}), None, place.id(&to, state.etag)).await.map(drop)
            }
            done => done,
        }
    }

    /// Gives the process that entered this step time to finish it. Returns whether the state has
    /// changed.
    async fn finished_meanwhile(&self, place: &mut Place, etag: Etag) -> Result<bool, Error> {
        let begun = tokio::time::Instant::now();
        while begun.elapsed() < self.retry_for {
            if place.read().await?.etag != etag {
                return Ok(true);
            }
            tokio::time::sleep(GLANCE).await;
        }
        Ok(false)
    }
}
