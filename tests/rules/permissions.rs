//! Permissions by the ACL recipe of docs/operations.md (S10, S48, S50): the API handler writes
//! protected members, the flow code does not.

use support::{Client, Server, repository, state_test, words};

use crate::{KEY, full_state, member};

/// Logs in as a user of the recipe, created by the lines that an operator copies from the page.
fn user(server: &Server, admin: &mut Client, name: &str) -> Client {
    let page = std::fs::read_to_string(repository().join("docs/operations.md")).expect("docs/operations.md");
    let begin = format!("ACL SETUSER {name} on >");
    let line =
        page.lines().find(|line| line.starts_with(&begin)).unwrap_or_else(|| panic!("no recipe for {name}"));
    let password = line[begin.len()..].split(' ').next().expect("a password");
    admin.ok(&words(line));
    let mut client = server.client();
    client.ok(&["AUTH", name, password]);
    client
}

/// A connection as the flow code. It may also run scripts here, to show that they bypass nothing.
pub fn flow(server: &Server, admin: &mut Client) -> Client {
    let client = user(server, admin, "flow");
    admin.ok(&["ACL", "SETUSER", "flow", "+eval", "+exec", "+multi"]);
    client
}

#[test]
fn only_the_api_handler_writes_protected_members() {
    state_test(|server, client| {
        full_state(client);
        let (mut flow, mut api) = (flow(server, client), user(server, client, "api"));
        let change = r#"{"dashboard":{"balance":7}}"#;
        assert!(flow.err(&["STATE.SETPROTECTED", KEY, "1", change]).starts_with("NOPERM "));
        assert!(flow.err(&["STATE.UPDATE", KEY, "1", change]).starts_with("PROTECTED /dashboard: "));
        let error = flow.err(&["STATE.ROLLBACK", KEY, "1", "ALL"]);
        assert!(error.starts_with("NOPERM ") && error.contains("permission"), "{error}");
        assert_eq!(member(client, "/dashboard/balance").as_deref(), Some("1.10"));
        api.ok(&["STATE.SETPROTECTED", KEY, "1", change]);
        assert_eq!(member(client, "/dashboard/balance").as_deref(), Some("7"));
        api.ok(&["STATE.ROLLBACK", KEY, "2", "ALL"]);
        assert!(
            api.state(KEY).1.contains("eyJhbGciOiJIUzI1NiJ9"),
            "the API handler reads the token it wrote"
        );
        flow.ok(&["STATE.ROLLBACK", KEY, "*", "TO", "2"]);
        assert_eq!(
            member(client, "/dashboard/balance").as_deref(),
            Some("1.10"),
            "repeating a protected value is no change"
        );
        assert_eq!(crate::audit_values(client, "user"), ["default", "flow", "api", "api"]);
    });
}

/// The recipe denies commands that bypass the module.
#[test]
fn recipe_denies_commands_that_bypass_the_module() {
    state_test(|server, client| {
        full_state(client);
        for name in ["flow", "api"] {
            let mut user = user(server, client, name);
            for line in [
                "DEL {key}",
                "UNLINK {key}",
                "SET {key} x",
                "RENAME {key} channel:2",
                "COPY {key} channel:2",
                "MOVE {key} 1",
                "RESTORE channel:2 0 x",
                "EXPIRE {key} 1",
                "PERSIST {key}",
                "FLUSHALL",
                "FLUSHDB",
                "DUMP {key}",
                "KEYS *",
                "SCAN 0",
                "STATE.SCHEMA SET vimbiso.rules {}",
                "STATE.SCHEMA BIND * vimbiso.rules",
                "STATE.GET admin:1",
                "XRANGE {channel:+263771234567}:audit - +",
                "CONFIG SET state.audit no",
                "DEBUG RELOAD",
                "MONITOR",
                "SLOWLOG GET",
                "ACL SETUSER flow +@all",
                "STATE.DELETE {key} * PURGE",
            ] {
                let error = user.err(&words(&line.replace("{key}", KEY)));
                assert!(error.starts_with("NOPERM "), "{name}: {line}: {error}");
            }
        }
    });
}

/// Permission for another key does not count.
#[test]
fn permission_counts_by_key() {
    state_test(|server, client| {
        full_state(client);
        client.ok(&words(
            "ACL SETUSER mixed on >secret %R~channel:* +state.get (+state.setprotected +state.get ~token:*)",
        ));
        let mut mixed = server.client();
        mixed.ok(&["AUTH", "mixed", "secret"]);
        assert!(mixed.state(KEY).1.contains(r#""token":"***""#));
        client.ok(&[
            "STATE.SETPROTECTED",
            "token:1",
            "0",
            r#"{"auth":{"token":"abc"}}"#,
            "SCHEMA",
            "vimbiso.rules",
        ]);
        assert!(mixed.state("token:1").1.contains(r#""token":"abc""#));
    });
}

/// To remove an annotation that existing states use, a schema administrator needs permission to
/// read and write all keys.
#[test]
fn schema_change_cannot_uncover_secrets_of_existing_states() {
    state_test(|server, client| {
        full_state(client);
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.open", "{}"]);
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.unused", r#"{"properties":{"pin":{"x-secret":true}}}"#]);
        client.ok(&["STATE.SCHEMA", "BIND", "channel:*", "vimbiso.rules"]);
        let kept = client.text(&["STATE.SCHEMA", "GET", "vimbiso.rules"]);
        for (name, rights) in [
            ("schemas", "resetkeys +state.schema +state.get"),
            ("some", "~channel:* +state.schema +state.get +state.setprotected"),
        ] {
            client.ok(&words(&format!("ACL SETUSER {name} reset on >secret -@all {rights}")));
            let mut schemas = server.client();
            schemas.ok(&["AUTH", name, "secret"]);
            for line in [
                "STATE.SCHEMA SET vimbiso.rules {}",
                "STATE.SCHEMA DEL vimbiso.rules FORCE",
                "STATE.SCHEMA BIND channel:* vimbiso.open",
                "STATE.SCHEMA BIND channel:+263* vimbiso.open",
                r#"STATE.SCHEMA SET vimbiso.open {"x-bind":["ch*"]}"#,
            ] {
                let error = schemas.err(&words(line));
                assert!(
                    error.starts_with("NOPERM states use vimbiso.rules, and /"),
                    "{name}: {line}: {error}"
                );
                assert!(error.contains(" would no longer be x-"), "{error}");
            }
            assert_eq!(client.text(&["STATE.SCHEMA", "GET", "vimbiso.rules"]), kept);
            // A schema that is at least as strict, unused or for other keys may be changed.
            let stricter = kept.replacen('{', r#"{"$comment":"again","#, 1);
            schemas.ok(&["STATE.SCHEMA", "SET", "vimbiso.rules", &stricter]);
            schemas.ok(&["STATE.SCHEMA", "SET", "vimbiso.rules", &kept]);
            schemas.ok(&["STATE.SCHEMA", "SET", "vimbiso.unused", "{}"]);
            schemas.ok(&["STATE.SCHEMA", "BIND", "user:*", "vimbiso.open"]);
            schemas.ok(&["STATE.SCHEMA", "UNBIND", "user:*"]);
        }
        client.ok(&words("ACL SETUSER keeper reset on >secret -@all ~* +state.schema +state.setprotected"));
        let mut keeper = server.client();
        keeper.ok(&["AUTH", "keeper", "secret"]);
        keeper.ok(&["STATE.SCHEMA", "SET", "vimbiso.rules", "{}"]);
    });
}

/// Each sequence once passed a check of the schemas in use only, because a state moves to its
/// schema at the next write.
#[test]
fn no_sequence_of_schema_commands_uncovers_a_secret() {
    const PINS: &str = r#"{"properties":{"pin":{"x-secret":true}}}"#;
    let set = |name: &str, text: &str| format!("STATE.SCHEMA SET {name} {text}");
    let bind = |pattern: &str, name: &str| format!("STATE.SCHEMA BIND {pattern} {name}");
    let sequences = [
        vec![set("bot.clone", PINS), bind(KEY, "bot.clone"), set("bot.clone", "{}")],
        vec![
            set("bot.clone", &format!(r#"{{"x-bind":["{KEY}"],{}"#, &PINS[1..])),
            set("bot.clone", &format!(r#"{{"x-bind":["{KEY}"]}}"#)),
        ],
        vec![
            set("bot.clone", PINS),
            bind(KEY, "bot.clone"),
            "STATE.SCHEMA DEL bot.clone FORCE".to_owned(),
            set("bot.clone", "{}"),
        ],
        vec![bind("*", "bot.open"), format!("STATE.SCHEMA UNBIND {KEY}")],
    ];
    for sequence in sequences {
        state_test(|server, client| {
            client.ok(&["STATE.SCHEMA", "SET", "bot.pins", PINS]);
            client.ok(&["STATE.SCHEMA", "SET", "bot.open", "{}"]);
            // No state exists yet, so the last sequence's binding is allowed.
            let mut schemas = schema_administrator(server, client);
            if sequence.len() == 2 && sequence[0].starts_with("STATE.SCHEMA BIND") {
                client.ok(&["STATE.SCHEMA", "BIND", KEY, "bot.pins"]);
                schemas.ok(&words(&sequence[0]));
            }
            client.ok(&["STATE.SETPROTECTED", KEY, "0", r#"{"pin":"7391"}"#, "SCHEMA", "bot.pins"]);
            for line in &sequence {
                schemas.call(&words(line));
            }
            let mut flow = flow(server, client);
            let error = flow.err(&["STATE.UPDATE", KEY, "*", r#"{"stage":"menu"}"#]);
            assert!(
                error.starts_with("BADSCHEMA states use bot.pins, and /pin would no longer be x-secret "),
                "{sequence:?}: {error}"
            );
            assert_eq!(flow.state(KEY).1, r#"{"pin":"***"}"#, "{sequence:?}");
            // A caller with the permission moves the state, as the error says.
            client.ok(&["STATE.SETPROTECTED", KEY, "*", r#"{"stage":"menu"}"#]);
            assert_eq!(flow.state(KEY).1, r#"{"pin":"7391","stage":"menu"}"#, "{sequence:?}");
        });
    }
}

#[test]
fn missing_schema_in_use_is_set_only_with_permission_to_secrets() {
    state_test(|server, client| {
        client.ok(&["STATE.SCHEMA", "SET", "bot.pins", r#"{"properties":{"pin":{"x-secret":true}}}"#]);
        client.ok(&["STATE.UPDATE", KEY, "0", r#"{"pin":"7391"}"#, "SCHEMA", "bot.pins"]);
        client.ok(&["STATE.SCHEMA", "DEL", "bot.pins", "FORCE"]);
        let mut schemas = schema_administrator(server, client);
        let error = schemas.err(&["STATE.SCHEMA", "SET", "bot.pins", "{}"]);
        assert!(error.starts_with("NOPERM states use bot.pins, which is missing"), "{error}");
        schemas.ok(&["STATE.SCHEMA", "SET", "bot.other", "{}"]);
        client.ok(&["STATE.SCHEMA", "BIND", KEY, "bot.other"]);
        let error = client.err(&["STATE.UPDATE", KEY, "*", r#"{"stage":"menu"}"#]);
        assert!(error.starts_with("BADSCHEMA states use bot.pins, which is missing"), "{error}");
        client.ok(&["STATE.SCHEMA", "SET", "bot.pins", "{}"]);
    });
}

/// The exact excess of a document that is too long would reveal the length of its secrets.
#[test]
fn error_of_a_long_document_hides_its_length() {
    state_test(|server, client| {
        client.ok(&["STATE.SCHEMA", "SET", "bot.pins", r#"{"properties":{"pin":{"x-secret":true}}}"#]);
        let mut flow = flow(server, client);
        let mut errors = ["7391", "739173917391"].map(|pin| {
            client.call(&["DEL", KEY]);
            client.ok(&["STATE.UPDATE", KEY, "0", &format!(r#"{{"pin":"{pin}"}}"#), "SCHEMA", "bot.pins"]);
            let long = format!(r#"{{"note":"{}"}}"#, "x".repeat(1_048_560));
            flow.err(&["STATE.UPDATE", KEY, "*", &long, "DRYRUN"])
        });
        assert!(errors[0].starts_with("TOOBIG the document would be longer than "), "{}", errors[0]);
        errors.sort_unstable();
        assert_eq!(errors[0], errors[1]);
    });
}

/// A user with permission to change schemas and for no key.
fn schema_administrator(server: &Server, client: &mut Client) -> Client {
    client.ok(&words("ACL SETUSER schemas reset on >secret resetkeys -@all +state.schema"));
    let mut schemas = server.client();
    schemas.ok(&["AUTH", "schemas", "secret"]);
    schemas
}
