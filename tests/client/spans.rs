//! Tracing: spans with OpenTelemetry's names, without secrets.

use std::io::Write;
use std::sync::{Arc, Mutex};

use redis_state_client::{Change, SetProtected, Update, connect_blocking};
use serde_json::{Value, json};
use support::Server;
use tracing_subscriber::fmt::format::FmtSpan;

/// The output so far.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("one thread").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The tracing output of `body`, one line of JSON for each event and closed span.
fn watched(body: impl FnOnce()) -> String {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_span_events(FmtSpan::CLOSE)
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, body);
    let bytes = log.0.lock().expect("one thread").clone();
    String::from_utf8(bytes).expect("JSON")
}

#[test]
fn each_command_is_a_span_with_its_result_and_no_secret() {
    const KEY: &str = "channel:+263771234567";
    let server = Server::start();
    let log = watched(|| {
        let mut states = connect_blocking(&server.url()).expect("a connection");
        let member = json!({
            "channel": {"type": "whatsapp", "identifier": "+263771234567"},
            "auth": {"token": "eyJhbGciOi"},
            "dashboard": {"member": {"firstname": "Tariro"}},
        });
        let create =
            SetProtected::create(KEY, Change::merge(&member).expect("json")).schema("vimbiso.channel");
        states.send(&create).expect("a state");
        states.send(&Update::new(KEY, 7, Change::none())).expect_err("an old version");
        let wrong = Change::merge(&json!({"auth": {"token": "eyJstolen"}, "value": "Tariro"})).expect("json");
        states.send(&Update::new(KEY, 1, wrong)).expect_err("a protected member");
        let mut other = connect_blocking(&server.url()).expect("a connection");
        let mut once = true;
        let raced = states.update_with(KEY, |_: &Value| {
            if std::mem::take(&mut once) {
                other
                    .send(&Update::any(KEY, Change::merge(&json!({"current": {"awaiting_input": true}}))?))?;
            }
            Change::merge(&json!({"current": {"data": {"handle": "tariro"}}}))
        });
        raced.expect("the second try");
        let error = states.get::<Vec<u8>>(KEY).expect_err("no list of bytes");
        tracing::error!(%error, debug = ?error, "what a program would log");
    });
    let spans: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"))
        .filter(|line| line["fields"]["message"] == "close")
        .map(|line| line["span"].clone())
        .collect();
    let field = |span: &Value, name: &str| span.get(name).and_then(Value::as_str).map(str::to_owned);
    let names: Vec<_> = spans.iter().filter_map(|span| field(span, "db.operation.name")).collect();
    let (read, write) = ("STATE.GET", "STATE.UPDATE");
    assert_eq!(names, ["STATE.SETPROTECTED", write, write, read, write, write, read, write, read], "{log}");
    assert!(spans.iter().all(|span| field(span, "db.system.name").as_deref() == Some("redis")), "{log}");
    let status: Vec<_> = spans.iter().map(|span| field(span, "db.response.status_code")).collect();
    assert_eq!(status[1].as_deref(), Some("CONFLICT"));
    assert_eq!(field(&spans[1], "otel.status_code"), None, "a conflict is an answer");
    assert_eq!(status[2].as_deref(), Some("PROTECTED"));
    assert_eq!(field(&spans[2], "otel.status_code").as_deref(), Some("ERROR"));
    assert_eq!((&status[0], &status[7]), (&None, &None));
    assert!(log.contains("conflict: reading again"), "{log}");
    for secret in ["eyJ", "Tariro", "tariro", "+263771234567"] {
        assert!(!log.contains(secret), "{secret} is in {log}");
    }
}
