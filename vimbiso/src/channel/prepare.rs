//! Preparation: turns a caller's values into a change, without a connection.
//!
//! The server validates every change against the state; a copy of its rules here could differ. Only
//! what the server can't see is checked here: that a component's data is an object, which can be
//! merged, and that an update leaves out the counters and times that the server keeps.

use redis_state_client::{Change, Error, ErrorKind, Result};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::channel::document::{ChannelInfo, ChannelState, Token};
use crate::channel::outbound::ApiResponse;

/// Members that the server keeps beside the document; programs that kept them themselves still send
/// them.
const KEPT_BY_THE_SERVER: [&str; 2] = ["validation", "_metadata"];

/// An update of the flow: the next step with its data. Members that are not given stay.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_vimbiso::channel::{Channel, FlowUpdate, Reads};
/// use serde_json::{Value, json};
///
/// let mut channel = Channel::new(redis_state_client::connect(url).await?, "+263771234567");
/// channel.initialize_channel("whatsapp", "webhook").await?;
///
/// let login =
///     FlowUpdate::from("greeting").step("login", "LoginApiCall").data(json!({"attempt": 1}));
/// channel.update_state(&login).await?;
/// // The path is not given, so it stays.
/// channel.update_state(&FlowUpdate::from("login").component_result("not_a_member")).await?;
/// let flow = channel.get_flow_state().await?;
/// assert_eq!((flow.path.as_str(), flow.component.as_str()), ("login", "LoginApiCall"));
/// assert_eq!(flow.component_result.as_deref(), Some("not_a_member"));
///
/// // Updates in the document's own words are merged into it.
/// let merged = FlowUpdate::merging("login", &json!({"current": {"data": {"asked": true}}}))?;
/// channel.update_state(&merged).await?;
/// let data: Option<Value> = channel.get_component_data().await?;
/// assert_eq!(data, Some(json!({"attempt": 1, "asked": true})));
/// # Ok(()) });
/// ```
#[derive(Clone)]
#[must_use = "nothing happens until it is given to `update_state`"]
pub struct FlowUpdate {
    pub(crate) update_from: String,
    pub(crate) path: Option<String>,
    pub(crate) component: Option<String>,
    pub(crate) event: Option<String>,
    pub(crate) note: Option<String>,
    pub(crate) id: Option<String>,
    /// JSON pointer to the new value.
    members: Vec<(&'static str, Value)>,
    merged: Option<Value>,
}

impl FlowUpdate {
    /// An empty update. `update_from` names the part of the program, as the actor in the audit
    /// stream.
    pub fn from(update_from: impl Into<String>) -> FlowUpdate {
        FlowUpdate {
            update_from: update_from.into(),
            path: None,
            component: None,
            event: None,
            note: None,
            id: None,
            members: Vec::new(),
            merged: None,
        }
    }

    /// An update that merges `updates` into the document; null removes. Anything that serde
    /// serializes to an object is accepted. Attempts and times that the server keeps are left out.
    ///
    /// Errors: [`Usage`](ErrorKind::Usage) if it is not an object.
    pub fn merging(update_from: impl Into<String>, updates: &impl Serialize) -> Result<FlowUpdate> {
        let updates = Value::Object(without_kept(object(updates, "updates")?));
        let text = |pointer: &str| updates.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let (path, component) = (text("/current/path"), text("/current/component"));
        Ok(FlowUpdate { path, component, merged: Some(updates), ..FlowUpdate::from(update_from) })
    }

    /// Goes to this component on this path.
    pub fn step(self, path: impl Into<String>, component: impl Into<String>) -> Self {
        self.path(path).component(component)
    }

    /// Goes to this path; the component stays.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        let path = path.into();
        self.path = Some(path.clone());
        self.set("/current/path", path)
    }

    /// Goes to this component; the path stays.
    pub fn component(mut self, component: impl Into<String>) -> Self {
        let component = component.into();
        self.component = Some(component.clone());
        self.set("/current/component", component)
    }

    /// Sets whether the user has to answer.
    pub fn awaiting_input(self, yes: bool) -> Self {
        self.set("/current/awaiting_input", yes)
    }

    /// Sets the last component's result.
    pub fn component_result(self, result: impl Into<String>) -> Self {
        self.set("/current/component_result", result.into())
    }

    /// Removes the component's result.
    pub fn no_component_result(self) -> Self {
        self.set("/current/component_result", Value::Null)
    }

    /// Replaces the data of the components with this object. [`merging`](FlowUpdate::merging) adds
    /// to them.
    pub fn data(self, data: Value) -> Self {
        self.set("/current/data", data)
    }

    /// Sets the account in use.
    pub fn active_account_id(self, id: impl Into<String>) -> Self {
        self.set("/active_account_id", id.into())
    }

    /// Sets the event for the audit stream.
    pub fn event(mut self, name: impl Into<String>) -> Self {
        self.event = Some(name.into());
        self
    }

    /// Sets a note for the audit stream.
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.note = Some(text.into());
        self
    }

    /// Makes it safe to send this twice, such as for a redelivered webhook.
    pub fn id(mut self, token: impl Into<String>) -> Self {
        self.id = Some(token.into());
        self
    }

    fn set(mut self, pointer: &'static str, value: impl Into<Value>) -> Self {
        match &mut self.merged {
            Some(updates) => put(updates, pointer, value.into()),
            None => self.members.push((pointer, value.into())),
        }
        self
    }

    pub(crate) fn change(&self) -> Result<Change> {
        match &self.merged {
            Some(updates) => Change::merge(updates),
            // For a member of an object, "add" sets, null included.
            None => Change::patch(
                &self
                    .members
                    .iter()
                    .map(|(pointer, value)| json!({"op": "add", "path": pointer, "value": value}))
                    .collect::<Vec<_>>(),
            ),
        }
    }
}

/// Shows which members are set, without values: a user typed them.
impl std::fmt::Debug for FlowUpdate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let pointers: Vec<&str> = self.members.iter().map(|(pointer, _)| *pointer).collect();
        f.debug_struct("FlowUpdate")
            .field("update_from", &self.update_from)
            .field("path", &self.path)
            .field("component", &self.component)
            .field("sets", &pointers)
            .field("merges", &self.merged.is_some())
            .finish_non_exhaustive()
    }
}

impl ChannelState {
    /// The document as stored, without the server's data. Members that only the API may write stay,
    /// unless they are equal.
    ///
    /// ```
    /// use redis_state_vimbiso::channel::ChannelState;
    ///
    /// let state: ChannelState = serde_json::from_str(
    ///     r#"{"channel":{"type":"sms","identifier":"+26377"},
    ///         "current":{"path":"login","component":"Greeting"},"validation":{}}"#,
    /// )?;
    /// assert!(!state.replacing()?.json().contains("validation"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn replacing(&self) -> Result<Change> {
        Change::replace(self)
    }
}

/// The document of a first contact; the schema's defaults do the rest.
pub(crate) fn first_contact(channel: &ChannelInfo) -> Result<Change> {
    Change::merge(&json!({"channel": channel}))
}

/// A component's data, merged into the data of the flow.
pub(crate) fn component_data(data: &impl Serialize) -> Result<Change> {
    Change::merge(&json!({"current": {"data": object(data, "a component's data")?}}))
}

/// A component's result.
pub(crate) fn component_result(result: &str) -> Result<Change> {
    Change::merge(&json!({"current": {"component_result": result}}))
}

/// A new token.
pub(crate) fn token(token: &Token) -> Result<Change> {
    Change::merge(&json!({"auth": {"token": token}}))
}

/// The API's reply: each part replaces the former one as a whole.
pub(crate) fn answer(response: &impl ApiResponse) -> Result<Change> {
    let mut members = json!({"dashboard": response.dashboard(), "action": response.action()});
    if let Some(token) = response.token() {
        put(&mut members, "/auth/token", token.as_str().into());
    }
    Change::shallow(&members)
}

fn object(value: &impl Serialize, what: &str) -> Result<Map<String, Value>> {
    match serde_json::to_value(value) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Error::new(ErrorKind::Usage, format!("{what} must be an object"))),
        Err(error) => Err(Error::json("a change that is not JSON", error)),
    }
}

fn without_kept(mut updates: Map<String, Value>) -> Map<String, Value> {
    for name in KEPT_BY_THE_SERVER {
        updates.shift_remove(name);
    }
    updates
}

/// Sets a member and creates missing parent objects.
fn put(document: &mut Value, pointer: &str, value: Value) {
    let mut place = document;
    for name in pointer.split('/').skip(1) {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        let Value::Object(members) = place else { return };
        place = members.entry(name).or_insert(Value::Null);
    }
    *place = value;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_counters_are_never_sent() {
        let old = json!({"current": {"path": "offer"}, "validation": {"attempts": {}}, "_metadata": {}});
        let update = FlowUpdate::merging("offer", &old).expect("an object").awaiting_input(true);
        let sent = update.change().expect("JSON");
        assert_eq!(sent.json(), r#"{"current":{"path":"offer","awaiting_input":true}}"#);
        assert_eq!(update.path.as_deref(), Some("offer"));
    }

    #[test]
    fn non_object_is_rejected_before_it_is_sent() {
        for wrong in [json!(7), json!("5"), json!([1]), json!(null)] {
            assert_eq!(component_data(&wrong).expect_err("no object").kind(), ErrorKind::Usage, "{wrong}");
            assert_eq!(FlowUpdate::merging("x", &wrong).expect_err("no object").kind(), ErrorKind::Usage);
        }
    }

    #[test]
    fn only_given_members_are_set() {
        let update = FlowUpdate::from("offer").component("HandleInput").no_component_result();
        assert_eq!(
            update.change().expect("JSON").json(),
            concat!(
                r#"[{"op":"add","path":"/current/component","value":"HandleInput"},"#,
                r#"{"op":"add","path":"/current/component_result","value":null}]"#
            )
        );
    }
}
