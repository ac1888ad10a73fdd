//! One user's state during one message: reads it, and makes headquarters' commits.
//!
//! # Exactly once
//!
//! * The first commit of a message (an input accepted or rejected, a confirmation, a way back) has
//!   the ID `<message_id>/in`. A message whose ID is known has been received, and is not processed
//!   again.
//! * Every other commit names the etag that was read, and the ID `<message_id>/<step>/<version>`:
//!   two processes with the same decision about the same version make one commit.
//! * The commit that enters an API step has an ID unique to its process: the other process gets a
//!   conflict, and does not call. The ID is stored as `current.data.call`; the etag of that commit
//!   is the ledger's idempotency key. A process that finds the step later asks the server for the
//!   result of that ID, and gets the same etag. Not the present version or STATE.HISTORY, because
//!   new tokens and lapses make versions too, and a lapse changes how snapshots are shown.

use redis_state_client::redis::aio::ConnectionManager;
use redis_state_client::{
    Async, Change, Error, ErrorKind, Etag, Meta, Recover, Rollback, State, States, Update, fresh_id,
};
use redis_state_vimbiso::channel::{Channel, Context, Reads, Step};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::headquarters::is_gone_back_to;
use super::menus::{MENU, asks_by_menu};

/// Longer message IDs are replaced by their digest: a token of the server has at most 128 bytes.
const MESSAGE_ID_BYTES_MAX: usize = 72;

const HEADQUARTERS: &str = "headquarters";

pub(super) type Driver = Async<ConnectionManager>;

pub(super) struct Place {
    pub(super) channel: Channel<Driver>,
    /// The prefix of this message's IDs.
    message: String,
}

impl Place {
    pub(super) fn new(states: States<Driver>, channel_id: &str, message_id: &str) -> Place {
        Place { channel: Channel::new(states, channel_id), message: prefix(message_id) }
    }

    /// The ID of the commit that receives the message.
    pub(super) fn taken_in(&self) -> String {
        format!("{}/in", self.message)
    }

    /// The context, with its etag.
    pub(super) async fn read(&mut self) -> Result<State<Context>, Error> {
        let key = self.channel.key().to_owned();
        loop {
            if let Some(state) = self.channel.states().get(&key).await? {
                return Ok(state);
            }
            // The state has just expired: return that error.
            self.channel.get_path().await?;
        }
    }

    /// Whether the message has been received.
    pub(super) async fn is_taken_in(&mut self) -> Result<bool, Error> {
        let id = self.taken_in();
        Ok(self.made_by(&id).await?.is_some())
    }

    /// The result of the command with this ID; `None` for an unknown ID.
    pub(super) async fn made_by(&mut self, id: &str) -> Result<Option<String>, Error> {
        // No command of this bot equals this one, so a known ID is rejected; and a dry run does not
        // use the ID.
        let label = Change::merge(&json!({"current": {"data": {"": ""}}}))?;
        let probe = Update::any(self.channel.key(), label).id(id).dry_run();
        match self.channel.states().send(&probe).await {
            Ok(_) => Ok(None),
            Err(error) if error.kind() == ErrorKind::IdMismatch => Ok(error.made().map(str::to_owned)),
            Err(error) => Err(error),
        }
    }

    /// Receives the message without acting on it.
    pub(super) async fn note(&mut self, event: &str) -> Result<(), Error> {
        let note = Update::any(self.channel.key(), Change::none());
        let note = note.event(event).actor(HEADQUARTERS).id(self.taken_in());
        self.channel.states().send(&note).await.map(drop)
    }

    /// Goes to a step, with this data.
    pub(super) async fn go(
        &mut self,
        expected: Etag,
        step: &Step,
        data: &Value,
        account: Option<&str>,
        id: String,
    ) -> Result<Etag, Error> {
        let asks = !step.component.ends_with("ApiCall");
        let mut current = json!({
            "path": step.path, "component": step.component,
            "awaiting_input": asks, "component_result": null, "data": data,
        });
        if let Some(data) =
            current.get_mut("data").filter(|_| asks_by_menu(step)).and_then(Value::as_object_mut)
        {
            data.insert(MENU.to_owned(), json!(expected.to_string()));
        }
        let mut members = json!({ "current": current });
        if let (Some(account), Some(members)) = (account, members.as_object_mut()) {
            members.insert("active_account_id".to_owned(), json!(account));
        }
        let mut update = Update::new(self.channel.key(), expected, Change::shallow(&members)?)
            .event(format!("to {step}"))
            .actor(HEADQUARTERS)
            .id(id);
        if is_gone_back_to(step) {
            // The label finds this version when the user goes back, or when a call fails.
            update = update.label(step.to_string());
        }
        Ok(self.channel.states().send(&update).await?.etag)
    }

    /// Goes back to a step as it was at its question. With `keep_data` the present data stays,
    /// except what the step asks for.
    pub(super) async fn back(
        &mut self,
        expected: Etag,
        step: &Step,
        keep_data: bool,
        id: String,
    ) -> Result<(), Error> {
        let flow = [
            "/current/path",
            "/current/component",
            "/current/awaiting_input",
            "/current/component_result",
            "/current/data/lastname",
        ];
        let members: &[&str] = if keep_data { &flow } else { &["/current"] };
        let back = Rollback::new(self.channel.key(), expected)
            .to_label(step.to_string())
            .only(members.iter().copied())
            .event(format!("back to {step}"))
            .actor(HEADQUARTERS)
            .id(id);
        self.channel.states().send(&back).await.map(drop)
    }

    /// Sets a member in the data of the flow.
    pub(super) async fn keep(&mut self, expected: Etag, name: &str, value: &str) -> Result<Etag, Error> {
        let change = Change::merge(&json!({"current": {"data": {name: value}}}))?;
        let keep = Update::new(self.channel.key(), expected, change)
            .actor(HEADQUARTERS)
            .id(self.id(&Step::new("keep", name), expected));
        Ok(self.channel.states().send(&keep).await?.etag)
    }

    /// The ID of a commit that enters an API step. It is unique, so one of two processes with the
    /// same message calls the ledger.
    pub(super) fn entering(&self, step: &Step) -> String {
        format!("{}/{}/{}", self.message, step.component, fresh_id())
    }

    /// The ID of a commit of headquarters.
    pub(super) fn id(&self, step: &Step, expected: Etag) -> String {
        format!("{}/{}/{}", self.message, step.component, expected.version)
    }

    /// Recovers a state that its schema no longer allows. Returns whether it was invalid.
    pub(super) async fn recovered(&mut self) -> Result<bool, Error> {
        let key = self.channel.key().to_owned();
        let meta = self.channel.states().send(&Meta::new(&key)).await?;
        if meta.is_none_or(|meta| meta.valid) {
            return Ok(false);
        }
        let recover = Recover::new(&key).event("invalid").actor(HEADQUARTERS);
        let recovered = self.channel.states().send(&recover).await?;
        tracing::warn!(
            rung = recovered.rung,
            tried = recovered.tried.len(),
            "the state was invalid and is recovered"
        );
        Ok(true)
    }
}

fn prefix(message_id: &str) -> String {
    let fits = message_id.len() <= MESSAGE_ID_BYTES_MAX && !message_id.chars().any(char::is_control);
    if fits && !message_id.is_empty() {
        return message_id.to_owned();
    }
    Sha256::digest(message_id).iter().map(|byte| format!("{byte:02x}")).collect()
}
