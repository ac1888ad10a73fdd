//! TLS over each kind of connection, to a server with a private authority.

use redis_state_client::redis::{Client, TlsCertificates};
use redis_state_client::{Change, ErrorKind, States, connect, connect_blocking};
use serde_json::{Value, json};
use support::{Server, block_on};

use crate::soon;

const KEY: &str = "offer:7d1f";

fn client(server: &Server) -> Client {
    let authority = std::fs::read(server.authority()).expect("a file");
    let trusted = TlsCertificates { client_tls: None, root_cert: Some(authority) };
    Client::build_with_tls(server.tls_url(), trusted).expect("an address")
}

#[test]
fn states_work_over_tls() {
    let server = Server::builder().tls().start();
    // The first connection chooses the cryptography; one that is rejected will do.
    connect_blocking(&server.tls_url()).map(drop).expect_err("it is not trusted");
    block_on(soon(async {
        let manager = client(&server).get_connection_manager().await.expect("a connection");
        let mut states = States::new(manager);
        let made = states.create(KEY, Change::merge(&json!({"amount": 5})).expect("JSON")).await;
        assert_eq!(made.expect("it is made").version, 1);
    }));
    let mut states = States::blocking(client(&server).get_connection().expect("a connection"));
    let read = states.get::<Value>(KEY).expect("an answer").expect("it is there");
    assert_eq!(read.document["amount"], json!(5));
}

#[test]
fn untrusted_certificate_is_a_connection_error() {
    let server = Server::builder().tls().start();
    let url = server.tls_url();
    let blocking = connect_blocking(&url).map(drop).expect_err("it is not trusted");
    let shared = block_on(soon(connect(&url))).map(drop).expect_err("it is not trusted");
    for error in [blocking, shared] {
        assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
        assert!(error.to_string().contains("certificate"), "{error}");
    }
}
