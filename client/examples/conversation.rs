//! A bot's conversation over the client crate: create, read, update, conflict, roll back, read the
//! audit stream.
//!
//!     cargo run --example conversation [KEY]
//!
//! KEY is a channel without a state. REDIS_STATE_URL names the server; REDIS_STATE_PROTOCOL is 3
//! (RESP3, the default) or 2. The examples in other languages do and print the same;
//! docs/clients.md explains each part.

use std::env;
use std::error::Error;

use redis_state_client::redis::{self, aio::ConnectionManager};
use redis_state_client::{
    Async, AuditRange, Change, ErrorKind, Meta, Result, Rollback, State, States, Update, connect, url,
};
use serde::Deserialize;
use serde_json::json;

type Server = States<Async<ConnectionManager>>;

/// The members that this program reads: any type that serde can deserialize.
#[derive(Deserialize)]
struct Conversation {
    current: Current,
}

#[derive(Deserialize)]
struct Current {
    path: String,
    component: String,
}

impl Conversation {
    fn step(&self) -> String {
        format!("{}/{}", self.current.path, self.current.component)
    }
}

/// The decision of this bot: a merge patch to the next step, which leaves other members alone.
fn next_step(conversation: &Conversation) -> Result<Change> {
    let (path, component) = match conversation.step().as_str() {
        "login/Greeting" => ("login", "LoginApiCall"),
        "login/LoginApiCall" => ("onboard", "Welcome"),
        "onboard/Welcome" => ("onboard", "FirstNameInput"),
        _ => return Ok(Change::none()),
    };
    Change::merge(&json!({"current": {"path": path, "component": component}}))
}

/// Applies a message once: the new state, or None for a redelivery that decides differently.
async fn answer(
    states: &mut Server,
    key: &str,
    message_id: &str,
    decide: impl FnMut(&Conversation) -> Result<Change> + Send,
) -> Result<Option<State<Conversation>>, Box<dyn Error>> {
    // Reads, decides, updates with the etag; on a conflict reads and decides again.
    match states.edit(key).id(message_id).retries(2).with(decide).await {
        Ok(state) => Ok(Some(state)),
        // A redelivery: the first decision stands, because the state has moved on.
        Err(error) if error.kind() == ErrorKind::IdMismatch => Ok(None),
        Err(error) if error.is_conflict() => Err(format!("{key}: conflict in all 3 tries"))?,
        Err(error) => Err(error)?,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let key = &env::args().nth(1).unwrap_or_else(|| "channel:+263772000004".to_owned());
    let protocol = env::var("REDIS_STATE_PROTOCOL").unwrap_or_else(|_| "3".to_owned());
    let url = format!("{}?protocol=resp{protocol}", url());
    let mut states = connect(&url).await?;

    // Fails if a state exists. The schema adds the defaults, the transitions and the expiry.
    let identifier = key.trim_start_matches("channel:");
    let channel = Change::merge(&json!({"channel": {"type": "whatsapp", "identifier": identifier}}))?;
    let create = Update::create(key, channel).schema("vimbiso.channel").event("first_contact");
    println!("created     {}", states.send(&create).await?.etag);

    let first: State<Conversation> =
        states.get(key).await?.ok_or("the session has expired or never began")?;
    println!("read        {} {}", first.etag, first.document.step());

    // After a timeout the client resends the same command: its ID makes it idempotent.
    let step = Update::new(key, first.etag, next_step(&first.document)?).id("wamid.1");
    println!("moved       {}", states.send(&step).await?.etag);
    println!("resent      {}", states.send(&step).await?.etag);

    // The first etag is stale by now, so the server rejects the update.
    if let Err(error) = states.send(&Update::new(key, first.etag, next_step(&first.document)?)).await {
        println!("rejected    {}", if error.is_conflict() { "CONFLICT" } else { "otherwise" });
    }

    // Is slow: during the first try another handler moves the conversation.
    let mut other = redis::Client::open(url)?.get_connection()?;
    let mut tries = 0;
    let slowly = |conversation: &Conversation| {
        tries += 1;
        let change = next_step(conversation)?;
        if tries == 1 {
            let mut moved = redis::cmd("STATE.UPDATE");
            moved.arg(key).arg("*").arg(change.json()).arg("ACTOR").arg("login_api");
            moved.exec(&mut other).expect("the other handler's update is accepted");
        }
        Ok(change)
    };
    let answered = answer(&mut states, key, "wamid.2", slowly)
        .await?
        .ok_or("the first delivery was taken for a redelivery")?;
    println!("answered    {} after {tries} tries", answered.etag);

    // The webhook delivers the message again. Without the ID, it would move one step too far.
    let again = answer(&mut states, key, "wamid.2", next_step).await?;
    println!("redelivered {}", again.map_or("already counted".to_owned(), |state| state.etag.to_string()));

    let back = Rollback::new(key, answered.etag).note("user said back").returning();
    let back = states.send(&back).await?;
    println!("rolled back {} {}", back.etag, back.document::<Conversation>()?.step());

    let meta = states.send(&Meta::new(key)).await?.ok_or("the session is over")?;
    let schema = meta.schema.unwrap_or_default();
    println!("meta        version {}, schema {schema}, valid {}", meta.etag.version, u8::from(meta.valid));

    for entry in states.send(&AuditRange::of(key)?.oldest_first()).await? {
        println!("audit       {} {}", entry.version, entry.event.as_str());
    }
    Ok(())
}
