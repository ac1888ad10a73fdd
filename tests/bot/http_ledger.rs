//! A ledger over HTTP for several processes: the protocol that `HttpLedger` documents, for a ledger
//! in memory.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::{Json, Router};
use redis_state_bot::ledger::{Decision, Ledger, LedgerChange, LedgerError, MemoryLedger};
use redis_state_vimbiso::channel::Token;
use serde_json::{Value, json};

/// Serves the ledger until the test ends; returns its address.
pub fn serve(ledger: MemoryLedger) -> String {
    let address = crate::serve(Router::new().fallback(answer).with_state(ledger));
    format!("http://{address}/v1/")
}

async fn answer(
    State(ledger): State<MemoryLedger>,
    method: Method,
    address: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, Json<Value>) {
    let header =
        |name: &str| headers.get(name).map(|value| value.to_str().expect("text")).unwrap_or_default();
    let token = Token::new(header("authorization").trim_start_matches("Bearer "));
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let asked = (method.as_str(), address.path());
    let (status, body) = match routed(&ledger, asked, &token, header("idempotency-key"), &body).await {
        Ok(Some(body)) => (StatusCode::OK, body),
        Ok(None) => (StatusCode::NOT_FOUND, json!({})),
        Err(LedgerError::TokenRefused) => (StatusCode::UNAUTHORIZED, json!({})),
        Err(LedgerError::Rejected(message)) => (StatusCode::CONFLICT, json!({"message": message})),
        Err(LedgerError::Unavailable(_)) => (StatusCode::SERVICE_UNAVAILABLE, json!({})),
    };
    (status, Json(body))
}

async fn routed(
    ledger: &MemoryLedger,
    (method, path): (&str, &str),
    token: &Token,
    key: &str,
    body: &Value,
) -> Result<Option<Value>, LedgerError> {
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let channel = text("channel");
    let parts: Vec<&str> = path.strip_prefix("/v1/").unwrap_or_default().split('/').collect();
    let changed = async |change: LedgerChange| -> Result<Option<Value>, LedgerError> {
        assert!(!key.is_empty(), "a change has a key");
        Ok(Some(json!(ledger.change(token, &change, key).await?)))
    };
    match (method, parts.as_slice()) {
        ("POST", ["login"]) => Ok(ledger.login(&channel).await?.map(|session| json!(session))),
        ("POST", ["token"]) => Ok(Some(json!({"token": ledger.renew(&channel).await?}))),
        ("POST", ["members"]) => {
            let session = ledger.onboard(&channel, &text("firstname"), &text("lastname"), key).await?;
            Ok(Some(json!(session)))
        }
        ("GET", ["members", handle]) => Ok(ledger.find(token, handle).await?.map(|found| json!(found))),
        ("GET", ["dashboard"]) => Ok(Some(json!(ledger.dashboard(token).await?))),
        ("GET", ["accounts", id, "transactions"]) => Ok(Some(json!(ledger.transactions(token, id).await?))),
        ("POST", ["offers"]) => {
            let (account, amount, handle) = (text("account"), text("amount"), text("handle"));
            let denomination = body["denomination"].as_str().map(str::to_owned);
            changed(LedgerChange::CreateOffer { account, amount, denomination, handle }).await
        }
        ("POST", ["offers", offer, word]) => {
            let decision = Decision::of(word).expect("a decision");
            changed(LedgerChange::Decide { offer: (*offer).to_owned(), decision }).await
        }
        ("POST", ["upgrade"]) => changed(LedgerChange::Upgrade).await,
        _ => Ok(None),
    }
}
