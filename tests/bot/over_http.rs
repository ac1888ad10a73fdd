//! A ledger behind HTTP for several processes: the shape that `HttpLedger` documents, over a ledger in memory.

use redis_state_bot::ledger::{Decision, Ledger, LedgerChange, LedgerError, MemoryLedger};
use redis_state_client::channel::Token;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Serves the ledger from a thread of its own, as long as the test runs; its address.
pub fn serve(ledger: MemoryLedger) -> String {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.set_nonblocking(true).expect("a socket");
    let address = listener.local_addr().expect("a bound socket");
    std::thread::spawn(move || {
        support::block_on(async move {
            let listener = TcpListener::from_std(listener).expect("a socket");
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, ledger.clone()));
            }
        });
    });
    format!("http://{address}/v1/")
}

/// One request, one answer. A client that is killed in between leaves nothing behind.
async fn answer(stream: TcpStream, ledger: MemoryLedger) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).await.ok()?;
    let [method, path] = line.split(' ').take(2).map(str::to_owned).collect::<Vec<_>>().try_into().ok()?;
    let (mut token, mut key, mut length) = (String::new(), String::new(), 0);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).await.ok()?;
        let Some((name, value)) = header.trim().split_once(": ") else { break };
        match name.to_lowercase().as_str() {
            "authorization" => token = value.strip_prefix("Bearer ")?.to_owned(),
            "idempotency-key" => key = value.to_owned(),
            "content-length" => length = value.parse().ok()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).await.ok()?;
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (status, body) = match routed(&ledger, &method, &path, &Token::new(token), &key, &body).await {
        Ok(Some(body)) => ("200 OK", body),
        Ok(None) => ("404 Not Found", json!({})),
        Err(LedgerError::TokenRefused) => ("401 Unauthorized", json!({})),
        Err(LedgerError::Refused(message)) => ("409 Conflict", json!({"message": message})),
        Err(LedgerError::Unavailable(_)) => ("503 Service Unavailable", json!({})),
    };
    let body = body.to_string();
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    reader.get_mut().write_all((head + &body).as_bytes()).await.ok()
}

async fn routed(
    ledger: &MemoryLedger,
    method: &str,
    path: &str,
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
        ("GET", ["dashboard"]) => Ok(Some(json!(ledger.dashboard(token).await?))),
        ("GET", ["accounts", id, "transactions"]) => Ok(Some(json!(ledger.transactions(token, id).await?))),
        ("POST", ["offers"]) => {
            let (account, amount, handle) = (text("account"), text("amount"), text("handle"));
            changed(LedgerChange::CreateOffer { account, amount, handle }).await
        }
        ("POST", ["offers", offer, word]) => {
            let decision = Decision::of(word).expect("a decision");
            changed(LedgerChange::Decide { offer: (*offer).to_owned(), decision }).await
        }
        ("POST", ["upgrade"]) => changed(LedgerChange::Upgrade).await,
        _ => Ok(None),
    }
}
