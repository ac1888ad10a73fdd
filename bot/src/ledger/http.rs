//! A ledger behind HTTP: JSON in and out, `Authorization: Bearer` with the token, `Idempotency-Key`
//! with every change.
//!
//! | call | request | reply |
//! |---|---|---|
//! | login | `POST /login` `{"channel"}` | session, or 404 |
//! | renew | `POST /token` `{"channel"}` | `{"token"}` |
//! | onboard | `POST /members` `{"channel","firstname","lastname"}`, key | session |
//! | dashboard | `GET /dashboard`, token | dashboard |
//! | find | `GET /members/{handle}`, token | `{"handle","name"}`, or 404 |
//! | transactions | `GET /accounts/{id}/transactions`, token | `[{"amount","handle"}]` |
//! | offer | `POST /offers` with the offer, token, key | dashboard |
//! | decide | `POST /offers/{id}/accept` (`decline`, `cancel`), token, key | dashboard |
//! | upgrade | `POST /upgrade`, token, key | dashboard |
//!
//! A session is `{"token","dashboard"}`; a dashboard is [`Dashboard`] as serde writes it. An offer
//! is `{"account","amount","denomination","handle"}`; the denomination is missing if the dashboard
//! has none. 401 is a rejected token. 409 and 422 are a rejection, with `{"message"}` for the user.
//! Anything else is no reply, and so is a redirection, no reply within ten seconds, or one of more
//! than 256 KiB.

use std::time::Duration;

use redis_state_vimbiso::channel::Token;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Counterparty, Dashboard, Entry, Ledger, LedgerChange, LedgerError, Result, Session};
use crate::answer;

/// The timeout of a call. A user waits for it.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The longest reply that is read: thousands of entries. A broken or false ledger could send
/// endlessly.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// A ledger over HTTP.
#[derive(Clone, Debug)]
pub struct HttpLedger {
    client: Client,
    base: Url,
}

#[derive(Deserialize)]
struct Renewed {
    token: Token,
}

#[derive(Deserialize)]
struct Refusal {
    message: String,
}

impl HttpLedger {
    /// The ledger at this address, such as `https://ledger.example/v1`.
    ///
    /// Errors: a text, for an address to which paths can't be added.
    pub fn new(base: &str) -> std::result::Result<HttpLedger, String> {
        let base = Url::parse(base).map_err(|error| format!("the ledger's address: {error}"))?;
        if base.cannot_be_a_base() {
            return Err("the ledger's address can't have paths".to_owned());
        }
        let client = Client::builder()
            .timeout(TIMEOUT)
            // The token, the key and the user's number are for this address only.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| error.to_string())?;
        Ok(HttpLedger { client, base })
    }

    fn request(&self, method: Method, path: &[&str], token: Option<&Token>) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let request = self.client.request(method, url);
        match token {
            Some(token) => request.bearer_auth(token.as_str()),
            None => request,
        }
    }

    fn change(&self, path: &[&str], token: Option<&Token>, key: &str, body: &Value) -> RequestBuilder {
        self.request(Method::POST, path, token).header("Idempotency-Key", key).json(body)
    }
}

impl Ledger for HttpLedger {
    async fn login(&self, channel_id: &str) -> Result<Option<Session>> {
        let request = self.request(Method::POST, &["login"], None).json(&json!({"channel": channel_id}));
        sent(request).await
    }

    async fn renew(&self, channel_id: &str) -> Result<Token> {
        let request = self.request(Method::POST, &["token"], None).json(&json!({"channel": channel_id}));
        Ok(answered::<Renewed>(request).await?.token)
    }

    async fn onboard(&self, channel_id: &str, firstname: &str, lastname: &str, key: &str) -> Result<Session> {
        let body = json!({"channel": channel_id, "firstname": firstname, "lastname": lastname});
        answered(self.change(&["members"], None, key, &body)).await
    }

    async fn dashboard(&self, token: &Token) -> Result<Dashboard> {
        answered(self.request(Method::GET, &["dashboard"], Some(token))).await
    }

    async fn find(&self, token: &Token, handle: &str) -> Result<Option<Counterparty>> {
        sent(self.request(Method::GET, &["members", handle], Some(token))).await
    }

    async fn transactions(&self, token: &Token, account: &str) -> Result<Vec<Entry>> {
        answered(self.request(Method::GET, &["accounts", account, "transactions"], Some(token))).await
    }

    async fn change(&self, token: &Token, change: &LedgerChange, key: &str) -> Result<Dashboard> {
        let token = Some(token);
        answered(match change {
            LedgerChange::CreateOffer { account, amount, denomination, handle } => {
                let mut body = json!({"account": account, "amount": amount, "handle": handle});
                if let (Some(denomination), Some(members)) = (denomination, body.as_object_mut()) {
                    members.insert("denomination".to_owned(), json!(denomination));
                }
                self.change(&["offers"], token, key, &body)
            }
            LedgerChange::Decide { offer, decision } => {
                self.change(&["offers", offer, decision.as_str()], token, key, &json!({}))
            }
            LedgerChange::Upgrade => self.change(&["upgrade"], token, key, &json!({})),
        })
        .await
    }
}

async fn answered<T: DeserializeOwned>(request: RequestBuilder) -> Result<T> {
    let nothing = || LedgerError::Unavailable("it replied 404".to_owned());
    sent(request).await?.ok_or_else(nothing)
}

/// The reply; `None` for a 404.
async fn sent<T: DeserializeOwned>(request: RequestBuilder) -> Result<Option<T>> {
    // Without the address, which may contain a user's number.
    let lost = |error: reqwest::Error| LedgerError::Unavailable(error.without_url().to_string());
    let response = request.send().await.map_err(lost)?;
    match response.status() {
        status if status.is_success() => read(response).await.map(Some),
        StatusCode::NOT_FOUND => Ok(None),
        StatusCode::UNAUTHORIZED => Err(LedgerError::TokenRefused),
        StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => {
            let rejection: Refusal = read(response).await?;
            Err(LedgerError::Rejected(rejection.message))
        }
        status => Err(LedgerError::Unavailable(format!("it replied {}", status.as_u16()))),
    }
}

async fn read<T: DeserializeOwned>(response: Response) -> Result<T> {
    let read = answer::json(response, ANSWER_BYTES_MAX).await;
    read.map_err(|unread| LedgerError::Unavailable(unread.to_string()))
}
