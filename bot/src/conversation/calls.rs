//! The calls of the ledger by the API role: requests, and how a reply becomes the state's dashboard
//! and action.
//!
//! `action` names the call that it answers (`call`), so that a reader of the state knows whether
//! the step has its reply, and has the `text` for the user.

use redis_state_client::{Async, redis};
use redis_state_vimbiso::channel::{ApiClient, ApiFailure, ApiResponse, BoxFuture, Token};
use serde_json::{Value, json};

use super::{display, points};
use crate::crash;
use crate::ledger::{Dashboard, Ledger, LedgerChange, LedgerError};

/// A request to the ledger.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ask {
    Login,
    Onboard {
        firstname: String,
        lastname: String,
    },
    Change {
        change: LedgerChange,
        text: String,
    },
    /// The present dashboard.
    Dashboard,
    /// The member with a handle.
    Find {
        handle: String,
    },
    /// The entries of an account.
    Transactions {
        account: String,
    },
}

/// A call: the request, its step, and the ledger's idempotency key.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) ask: Ask,
    pub(super) call: String,
    pub(super) key: String,
}

impl Ask {
    /// Whether it may change something.
    pub(super) fn changes(&self) -> bool {
        matches!(self, Ask::Onboard { .. } | Ask::Change { .. })
    }
}

pub(super) struct Answer {
    dashboard: Value,
    action: Value,
    token: Option<Token>,
}

impl ApiResponse for Answer {
    fn dashboard(&self) -> Value {
        self.dashboard.clone()
    }

    fn action(&self) -> Value {
        self.action.clone()
    }

    fn token(&self) -> Option<Token> {
        self.token.clone()
    }
}

/// The ledger for one call.
pub(super) struct Caller<L> {
    ledger: L,
    channel_id: String,
    /// Why the ledger failed, in more detail than is recorded.
    pub(super) error: Option<LedgerError>,
}

impl<L: Ledger> Caller<L> {
    pub(super) fn new(ledger: L, channel_id: &str) -> Self {
        Caller { ledger, channel_id: channel_id.to_owned(), error: None }
    }

    async fn answer(&self, request: &Request, token: Option<&Token>) -> Result<Answer, LedgerError> {
        let Request { ask, call, key } = request;
        let held = || token.ok_or(LedgerError::TokenRefused);
        let action = |kind: &str, text: &str| json!({"type": kind, "call": call, "text": text});
        Ok(match ask {
            Ask::Login => match self.ledger.login(&self.channel_id).await? {
                Some(session) => {
                    let mut action = action("login", "");
                    put(&mut action, "member", json!(true));
                    Answer { dashboard: json(&session.dashboard)?, action, token: Some(session.token) }
                }
                None => Answer { dashboard: json!({}), action: action("login", ""), token: None },
            },
            Ask::Onboard { firstname, lastname } => {
                let session = self.ledger.onboard(&self.channel_id, firstname, lastname, key).await?;
                let action = action("onboard", "You are a member now.");
                Answer { dashboard: json(&session.dashboard)?, action, token: Some(session.token) }
            }
            Ask::Change { change, text } => {
                let dashboard = self.ledger.change(held()?, change, key).await?;
                Answer { dashboard: json(&dashboard)?, action: action("change", text), token: None }
            }
            Ask::Dashboard => {
                let dashboard = self.ledger.dashboard(held()?).await?;
                Answer { dashboard: json(&dashboard)?, action: action("dashboard", ""), token: None }
            }
            Ask::Find { handle } => {
                let token = held()?;
                let found = self.ledger.find(token, handle).await?;
                let found = found.ok_or_else(|| LedgerError::Rejected(display::no_member(handle)))?;
                let dashboard = self.ledger.dashboard(token).await?;
                let mut action = action("find", "");
                put(&mut action, "found", json!(found));
                Answer { dashboard: json(&dashboard)?, action, token: None }
            }
            Ask::Transactions { account } => {
                let token = held()?;
                let entries = self.ledger.transactions(token, account).await?;
                let dashboard: Dashboard = self.ledger.dashboard(token).await?;
                let mut action = action("transactions", "");
                put(&mut action, "entries", json!(entries));
                Answer { dashboard: json(&dashboard)?, action, token: None }
            }
        })
    }
}

impl<L: Ledger, C: redis::aio::ConnectionLike + Send> ApiClient<Async<C>> for Caller<L> {
    type Request = Request;
    type Response = Answer;

    fn renew_token<'a>(&'a mut self, channel_id: &'a str) -> BoxFuture<'a, Result<Token, ApiFailure>> {
        Box::pin(async move {
            let renewed = self.ledger.renew(channel_id).await;
            renewed.map_err(|error| failure(self.error.insert(error)))
        })
    }

    fn call<'a>(
        &'a mut self,
        request: &'a Request,
        token: Option<&'a Token>,
    ) -> BoxFuture<'a, Result<Answer, ApiFailure>> {
        Box::pin(async move {
            crash::point(points::BEFORE_CALL);
            let answer = self.answer(request, token).await;
            crash::point(points::AFTER_CALL);
            answer.map_err(|error| failure(self.error.insert(error)))
        })
    }

    fn needs_token(&self, request: &Request) -> bool {
        !matches!(request.ask, Ask::Login | Ask::Onboard { .. })
    }
}

fn failure(error: &LedgerError) -> ApiFailure {
    match error {
        LedgerError::TokenRefused => ApiFailure::TokenRefused,
        other => ApiFailure::Failed(other.to_string()),
    }
}

fn json(dashboard: &Dashboard) -> Result<Value, LedgerError> {
    serde_json::to_value(dashboard)
        .map_err(|_| LedgerError::Unavailable("its dashboard can't be stored".to_owned()))
}

fn put(action: &mut Value, name: &str, value: Value) {
    if let Some(members) = action.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}
