//! The bot's five schemas against documents as the bot stores them: a valid document is kept byte
//! for byte, an invalid one is rejected with the pointers of its violations.
//!
//! The documents are written here, not derived from the schemas, so that a forgotten rule fails a
//! test.

mod annotations;
mod chatserver;
mod chatserver_documents;
mod chatserver_rejected;
mod documents;
mod evidence;
mod invalid_documents;
mod requirements;

use support::{Client, Reply, Server, repository, state_test};

const SCHEMAS: [&str; 5] =
    ["vimbiso.cached-user", "vimbiso.channel", "vimbiso.chatserver", "vimbiso.conversation", "vimbiso.flow"];

/// Creates a state of a schema with only `change`, and returns its document.
#[track_caller]
fn created(client: &mut Client, key: &str, schema: &str, change: &str) -> String {
    let reply = client.ok(&["STATE.UPDATE", key, "0", change, "SCHEMA", schema, "RETURN"]);
    reply.array()[1].text().to_owned()
}

/// The pointer of each violation of a document, in order.
#[track_caller]
fn violations(client: &mut Client, schema: &str, document: &str) -> Vec<String> {
    match client.call(&["STATE.VALIDATE", schema, document]) {
        Reply::Simple(ok) if ok == "OK" => Vec::new(),
        Reply::Error(line) => pointers(&line),
        reply => panic!("{reply:?}"),
    }
}

/// The pointers of an INVALID, in order.
#[track_caller]
fn pointers(line: &str) -> Vec<String> {
    let (count, list) = line.split_once(": ").expect("a list of violations");
    let mut pointers: Vec<String> =
        list.split("; ").filter_map(|violation| Some(violation.split_once(": ")?.0.to_owned())).collect();
    pointers.sort();
    let plural = if pointers.len() == 1 { "" } else { "s" };
    assert_eq!(count, format!("INVALID {} violation{plural}", pointers.len()), "{line}");
    pointers
}

fn schema_text(name: &str) -> String {
    std::fs::read_to_string(repository().join(format!("schemas/{name}.json"))).expect("a schema")
}

/// A server without a schema folder accepts each of them, with its annotations.
#[test]
fn every_schema_can_be_set_by_command() {
    let server = Server::builder().without_schemas().start();
    let mut client = server.client();
    for schema in SCHEMAS {
        assert_eq!(client.ok(&["STATE.SCHEMA", "SET", schema, &schema_text(schema)]), Reply::Int(1));
        let kept = client.text(&["STATE.SCHEMA", "GET", schema]);
        assert_eq!(
            client.ok(&["STATE.SCHEMA", "SET", schema, &kept]),
            Reply::Int(1),
            "STATE.SCHEMA SET accepts the text of GET"
        );
    }
}

/// The schemas are loaded from the folder, formatted for readers.
#[test]
fn schemas_are_loaded_from_the_folder() {
    state_test(|_, client| {
        for schema in SCHEMAS {
            let text = schema_text(schema);
            let loaded = client.text(&["STATE.SCHEMA", "GET", schema]);
            assert_eq!(
                client.ok(&["STATE.SCHEMA", "SET", schema, &text]),
                Reply::Int(1),
                "the same revision"
            );
            assert_eq!(client.text(&["STATE.SCHEMA", "GET", schema]), loaded);
            assert!(
                text.lines().all(|line| line.chars().count() <= 180),
                "{schema} has a line that is too long to read"
            );
        }
    });
}

/// S19, S57: the first contact names the channel; the defaults do the rest.
#[test]
fn first_contact_is_enough_for_a_channel() {
    state_test(|_, client| {
        let channel = r#"{"channel":{"type":"whatsapp","identifier":"+263771234567"}}"#;
        let document = created(client, "channel:+263771234567", "vimbiso.channel", channel);
        assert_eq!(
            document,
            concat!(
                r#"{"current":{"path":"login","component":"Greeting","awaiting_input":false,"component_result":null,"#,
                r#""data":{}},"channel":{"type":"whatsapp","identifier":"+263771234567"}}"#
            )
        );
        let meta = client.ok(&["STATE.META", "channel:+263771234567"]);
        assert!((1_700_000..=1_800_000).contains(&meta.field("ttl").int()), "1800 s");
    });
}

/// S27: a new user begins with the defaults.
#[test]
fn cached_user_begins_in_the_menu() {
    state_test(|_, client| {
        assert_eq!(
            created(client, "+263771234567", "vimbiso.cached-user", "{}"),
            concat!(
                r#"{"stage":"handle_action_menu","option":null,"direction":"OUT","#,
                r#""state":{"profile":{},"current_account":{},"page_number":0}}"#
            )
        );
        let meta = client.ok(&["STATE.META", "+263771234567"]);
        assert!((200_000..=300_000).contains(&meta.field("ttl").int()), "300 s");
    });
}

/// S26: the conversation by stages begins in the menu too.
#[test]
fn conversation_begins_in_the_menu() {
    state_test(|_, client| {
        assert_eq!(
            created(client, "user:{263771234567}:state", "vimbiso.conversation", "{}"),
            r#"{"stage":"handle_action_menu","option":null,"direction":"OUT","profile":{},"current_account":{}}"#
        );
    });
}

/// S28: after registration, and in the menu.
#[test]
fn registration_is_stored() {
    state_test(|_, client| {
        let key = "+263771234567";
        created(client, key, "vimbiso.cached-user", "{}");
        let registered = r#"{"stage":"handle_action_register","option":"handle_action_register","state":{"profile":{"member":{"memberID":"mem_49d439536b32","firstname":"Tariro","lastname":"Moyo"}}}}"#;
        client.ok(&["STATE.UPDATE", key, "1", registered]);
        let menu = r#"{"stage":"handle_action_menu","option":"handle_action_menu","state":{"current_account":{"accountID":"acc_7d1f","accountName":"Tariro Moyo","balanceData":{}}}}"#;
        client.ok(&["STATE.UPDATE", key, "2", menu]);
        assert_eq!(
            client.state(key).1,
            concat!(
                r#"{"stage":"handle_action_menu","option":"handle_action_menu","direction":"OUT","state":{"profile":"#,
                r#"{"member":{"memberID":"mem_49d439536b32","firstname":"Tariro","lastname":"Moyo"}},"current_account":"#,
                r#"{"accountID":"acc_7d1f","accountName":"Tariro Moyo","balanceData":{}},"page_number":0}}"#
            )
        );
    });
}

/// S19 to S29, S9: whole documents of the design notes are returned byte for byte.
#[test]
fn whole_documents_are_returned_byte_for_byte() {
    state_test(|_, client| {
        for (number, (schema, document)) in documents::WHOLE.iter().enumerate() {
            assert_eq!(violations(client, schema, document), Vec::<String>::new(), "{schema} {document}");
            let key = format!("channel:{number}");
            client.ok(&["STATE.SETPROTECTED", &key, "0", document, "REPLACE", "SCHEMA", schema]);
            assert_eq!(client.state(&key).1, *document);
        }
    });
}

/// S36, S38, S40, S46: every violation is reported with its pointer, and nothing is stored.
#[test]
fn invalid_documents_are_rejected_with_their_pointers() {
    state_test(|_, client| {
        for (schema, document, pointers) in invalid_documents::TABLE {
            let mut expected: Vec<&str> = pointers.split(' ').collect();
            expected.sort_unstable();
            assert_eq!(violations(client, schema, document), expected, "{schema} {document}");
            let said = client.err(&["STATE.VALIDATE", schema, document]);
            let update =
                ["STATE.SETPROTECTED", "channel:+263771234567", "0", document, "REPLACE", "SCHEMA", schema];
            assert_eq!(client.err(&update), said, "an update has the same error");
        }
        assert_eq!(client.ok(&["DBSIZE"]), Reply::Int(0));
    });
}

/// S45: the options of a menu are those of the member's tier; the default tier is 1.
#[test]
fn options_depend_on_the_tier() {
    // Integers of the ledger's database, as the first bot stored them.
    const LOW_1: &str = r#"{"low":1,"high":0}"#;
    const LOW_2: &str = r#"{"low":2,"high":0}"#;
    state_test(|_, client| {
        let member = |tier: &str| match tier {
            "" => "{}".to_owned(),
            tier => format!(r#"{{"member":{{"memberTier":{tier}}}}}"#),
        };
        for handler in invalid_documents::HANDLERS_OF_TIER_1
            .iter()
            .chain(invalid_documents::HANDLERS_OF_TIER_2)
            .chain(&["handle_action_none"])
        {
            for tier in ["", "null", "1", "2", "3", LOW_1, LOW_2] {
                let allowed = match tier {
                    "2" | "3" | LOW_2 => invalid_documents::HANDLERS_OF_TIER_2,
                    _ => invalid_documents::HANDLERS_OF_TIER_1,
                };
                for name in ["stage", "option"] {
                    let other = if name == "stage" { "" } else { r#""stage":"handle_action_menu","# };
                    let profile = member(tier);
                    let conversation = format!(r#"{{{other}"{name}":"{handler}","profile":{profile}}}"#);
                    let user = format!(r#"{{{other}"{name}":"{handler}","state":{{"profile":{profile}}}}}"#);
                    let documents = [("vimbiso.cached-user", user), ("vimbiso.conversation", conversation)];
                    // Only the first bot stored a tier as an object.
                    let schemas = if tier.starts_with('{') { 1 } else { 2 };
                    for (schema, document) in documents.into_iter().take(schemas) {
                        let wrong = match allowed.contains(handler) {
                            true => vec![],
                            false => vec![format!("/{name}")],
                        };
                        assert_eq!(violations(client, schema, &document), wrong, "{schema} {document}");
                    }
                }
            }
        }
    });
}

/// Ordinary documents stay far below a command's work budget: a twenty-fifth of it is enough for 64
/// KB.
#[test]
fn documents_of_64_kb_need_a_small_part_of_the_budget() {
    const KB_64: usize = 64 * 1024;
    state_test(|_, client| {
        client.ok(&["CONFIG", "SET", "state.max-cost", "1000000"]);
        let account = r#"{"accountID":"acc_7d1f","balance":1.10}"#;
        let attempt = concat!(
            r#"{"operation":"confirm","component":"ConfirmOffer","timestamp":"2025-03-04T03:21:39.431Z","#,
            r#""success":false,"error":null}"#
        );
        let many = |element: &str| vec![element; KB_64 / (element.len() + 1)].join(",");
        for (number, member) in [
            format!(r#""dashboard":{{"accounts":[{}]}}"#, many(account)),
            format!(r#""validation":{{"history":[{}]}}"#, many(attempt)),
            format!(r#""action":{{"details":{{"note":"{}"}}}}"#, "x".repeat(KB_64)),
        ]
        .into_iter()
        .enumerate()
        {
            let key = format!("channel:+26377123456{number}");
            let channel = format!(r#"{{"channel":{{"type":"whatsapp","identifier":"{key}"}},{member}}}"#);
            client.ok(&["STATE.SETPROTECTED", &key, "0", &channel, "SCHEMA", "vimbiso.channel"]);
            client.ok(&["STATE.UPDATE", &key, "1", r#"{"active_account_id":"acc_7d1f"}"#]);
            client.ok(&["STATE.ROLLBACK", &key, "2"]);
            assert_eq!(client.ok(&["STATE.META", &key]).field("valid").int(), 1);
            assert_eq!(client.ok(&["STATE.RECOVER", &key]).field("rung").text(), "valid");
        }
    });
}
