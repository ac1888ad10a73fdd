//! Limits on replies of the ledger and of the Graph API, and on the texts that come of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use axum::{Json, Router};
use redis_state_bot::ledger::{Failure, HttpLedger, Ledger, LedgerError};
use redis_state_bot::service::{CUT, Graph, Undelivered};
use serde_json::json;
use support::{Server, block_on};

use crate::echo_service::{Echo, config, start, waiting};
use crate::whatsapp::{FakeGraph, NUMBER_ID, TARIRO, TOKEN, deliver, text};
use crate::world::Person;
use crate::{soon, until};

const ID: &str = "+263771234567";

/// 2 GB in parts of 64 KiB; counts the bytes that are read.
fn endless(taken: Arc<AtomicUsize>) -> Body {
    let part = Bytes::from(vec![b'9'; 64 * 1024]);
    let parts = std::iter::repeat_n(part, 32 * 1024).map(move |part| {
        taken.fetch_add(part.len(), Ordering::Relaxed);
        Ok::<_, std::io::Error>(part)
    });
    Body::from_stream(Parts(parts))
}

/// An iterator as a stream that is always ready.
struct Parts<I>(I);

impl<I: Iterator + Unpin> futures_core::Stream for Parts<I> {
    type Item = I::Item;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<I::Item>> {
        std::task::Poll::Ready(self.0.next())
    }
}

/// A server that gives everything this reply; its address.
fn answers<R: IntoResponse + 'static>(answer: impl Fn() -> R + Clone + Send + Sync + 'static) -> String {
    let router = Router::new().fallback(move || {
        let answer = answer().into_response();
        async move { answer }
    });
    format!("http://{}/v1", crate::serve(router))
}

fn ledger_at(url: &str) -> HttpLedger {
    HttpLedger::new(url).expect("an address")
}

/// A server whose reply has no end, and the number of bytes read of it.
fn without_end(status: StatusCode) -> (String, Arc<AtomicUsize>) {
    let taken = Arc::<AtomicUsize>::default();
    let counter = Arc::clone(&taken);
    (answers(move || (status, endless(Arc::clone(&counter)))), taken)
}

/// Some bytes are still in the buffers of both ends.
#[track_caller]
fn few_were(taken: &AtomicUsize) {
    let taken = taken.load(Ordering::Relaxed);
    assert!(taken < 32 << 20, "{taken} bytes of 2 GB were read");
}

#[test]
fn endless_reply_of_the_ledger_is_cut_off() {
    soon(async {
        for status in [StatusCode::OK, StatusCode::CONFLICT] {
            let (url, taken) = without_end(status);
            let error = ledger_at(&url).login(ID).await.expect_err("it has no end");
            let too_long = LedgerError::Unavailable("its answer is longer than 262144 bytes".to_owned());
            assert_eq!(error, too_long);
            few_were(&taken);
        }
    });
}

#[test]
fn invalid_reply_of_the_ledger_is_never_quoted() {
    soon(async {
        let url = answers(|| "{\"token\": 4711}");
        let error = ledger_at(&url).login(ID).await.expect_err("no session").to_string();
        assert!(error.contains("not the JSON that is expected") && !error.contains("4711"), "{error}");
    });
}

/// The request has the user's number in it, which only the ledger may get.
#[test]
fn redirection_of_the_ledger_is_not_followed() {
    soon(async {
        let requests = Arc::<AtomicUsize>::default();
        let counter = Arc::clone(&requests);
        let elsewhere = answers(move || {
            counter.fetch_add(1, Ordering::Relaxed);
            Json(json!({"token": "stolen", "dashboard": {"member": {}}}))
        });
        let url = answers(move || Redirect::temporary(&elsewhere));
        let error = ledger_at(&url).login(ID).await.expect_err("no session");
        assert_eq!(error, LedgerError::Unavailable("it replied 307".to_owned()));
        assert_eq!(requests.load(Ordering::Relaxed), 0);
    });
}

#[test]
fn endless_rejection_of_the_graph_api_is_cut_off() {
    soon(async {
        let (url, taken) = without_end(StatusCode::UNPROCESSABLE_ENTITY);
        let graph = Graph::new(&url, NUMBER_ID, TOKEN.parse().expect("a text")).expect("a Graph API");
        let error = graph.deliver(ID, &"hi".into()).await.expect_err("a rejection");
        assert!(matches!(error, Undelivered::Rejected(_)), "{error}");
        few_were(&taken);
    });
}

/// A ledger may send a long reason: the user gets the beginning of it, and what to do.
#[test]
fn long_rejection_is_cut() {
    let server = Server::start();
    block_on(async {
        let (mut person, ledger) = Person::member(&server).await;
        person.says(&["1", "10", "tariro"]).await;
        ledger.fail([Failure::Rejected("No. ".repeat(250_000).leak())]);
        let answer = person.says(&["yes"]).await;
        assert!(answer.starts_with("No. No. ") && answer.contains("Is that right?"), "{answer}");
        assert!(answer.chars().count() < 700, "{} characters", answer.chars().count());
    });
}

#[test]
fn long_answer_is_cut_after_four_messages() {
    let server = Server::start();
    let mut client = server.client();
    soon(async {
        let graph = FakeGraph::start();
        let bot = start(config(&server, &graph, "one"), &Echo::open(&server, "one").await).await;
        assert_eq!(deliver(bot.address(), &[text("wamid.1", TARIRO, &"x".repeat(60_000))]).await, 200);
        until("no message waits", || waiting(&mut client) == 0).await;
        let sent: Vec<String> = graph.sent().into_iter().map(|(_, text)| text).collect();
        assert_eq!(sent.iter().map(String::len).collect::<Vec<_>>(), [4096, 4096, 4096, 4096, CUT.len()]);
        assert_eq!(sent[4], CUT);
    });
}

/// A reason of ordinary length is complete.
#[test]
fn short_rejection_is_complete() {
    let server = Server::start();
    block_on(async {
        let (mut person, ledger) = Person::member(&server).await;
        person.says(&["1", "10", "tariro"]).await;
        ledger.fail([Failure::Rejected("There is not enough in the account.")]);
        let answer = person.says(&["yes"]).await;
        assert!(answer.starts_with("There is not enough in the account.\n"), "{answer}");
    });
}
