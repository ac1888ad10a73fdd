//! The schemas of schemas/ with shortened TTLs: members with a TTL do lapse. The `x-ttl` in a
//! schema alone proves nothing, since a protected part of a lapsing member stays.

use serde_json::{Value, json};
use support::{Server, repository, wait_until};

/// The schema with a minute for the whole state and a few milliseconds for each member with a TTL.
fn hurried(name: &str) -> String {
    let path = repository().join("schemas").join(format!("{name}.json"));
    let mut schema: Value =
        serde_json::from_str(&std::fs::read_to_string(path).expect("a schema")).expect("JSON");
    hurry(&mut schema);
    schema["x-ttl"] = json!(60);
    schema.to_string()
}

fn hurry(schema: &mut Value) {
    match schema {
        Value::Object(members) => members.iter_mut().for_each(|(name, value)| match name.as_str() {
            "x-ttl" => *value = json!(0.08),
            _ => hurry(value),
        }),
        Value::Array(items) => items.iter_mut().for_each(hurry),
        _ => {}
    }
}

/// S13, S18, S21: no token, form or offer outlives its TTL, wherever the schema has it.
#[test]
fn members_with_a_ttl_in_the_project_schemas_lapse() {
    let channel = json!({"type": "whatsapp", "identifier": "+263771234567"});
    let cases = [
        (
            "vimbiso.channel",
            json!({"channel": channel, "auth": {"token": "eyJhbGciOi"}}),
            vec!["/auth/token"],
        ),
        (
            "vimbiso.flow",
            json!({"channel": channel, "flow_data": {"auth": {"token": "eyJhbGciOi"}}}),
            vec!["/flow_data/auth/token"],
        ),
        (
            "vimbiso.chatserver",
            json!({
                "channel": channel, "auth": {"token": "eyJhbGciOi"},
                "action": {
                    "id": "act_91c2", "type": "MEMBER_LOGIN", "timestamp": "2026-11-21T04:50:54.530Z",
                    "actor": "mem_49d4", "details": {"token": "eyJhbGciOi"},
                },
                "component_data": {"data": {"pin": "eyJpbiI6", "data": {"pin": "eyJpbiI6"}}},
            }),
            vec![
                "/auth/token",
                "/action/details/token",
                "/component_data/data/pin",
                "/component_data/data/data/pin",
            ],
        ),
        ("vimbiso.cached-user", json!({"jwt_token": "eyJhbGciOi"}), vec!["/jwt_token"]),
        (
            "vimbiso.conversation",
            json!({"token": "eyJhbGciOi", "form": {}, "offer": {"amount": 5}}),
            vec!["/token", "/form", "/offer"],
        ),
    ];
    let server = Server::start();
    let mut client = server.client();
    for (schema, document, places) in cases {
        let key = format!("{schema}:+263771234567");
        client.ok(&["STATE.SCHEMA", "SET", schema, &hurried(schema)]);
        client.ok(&["STATE.SETPROTECTED", &key, "0", &document.to_string(), "SCHEMA", schema]);
        let mut get = vec!["STATE.GET", &key];
        get.extend(&places);
        wait_until(&format!("{places:?} of {schema} lapses"), || {
            client.ok(&get).array()[1..].iter().all(|place| place.is_nil())
        });
        assert!(!client.ok(&["STATE.GET", &key]).to_string().contains("eyJ"));
    }
}
