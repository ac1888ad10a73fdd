//! The four schemas of the bot against documents as the bot stores them: what is right is kept to the letter, what is
//! wrong is refused with the pointer of what is wrong.
//!
//! The documents are written here, not read from the schemas, so that a schema that forgets a rule fails.

mod annotations;
mod broken;
mod documents;
mod evidence;
mod requirements;

use support::{Client, Reply, Server, repository, state_test};

const SCHEMAS: [&str; 4] = ["vimbiso.cached-user", "vimbiso.channel", "vimbiso.conversation", "vimbiso.flow"];

/// Creates a state of a schema with nothing but `change`, and returns its document.
#[track_caller]
fn created(client: &mut Client, key: &str, schema: &str, change: &str) -> String {
    let reply = client.ok(&["STATE.UPDATE", key, "0", change, "SCHEMA", schema, "RETURN"]);
    reply.array()[1].text().to_owned()
}

/// Where a document is wrong: the pointer of each violation, in order.
#[track_caller]
fn violations(client: &mut Client, schema: &str, document: &str) -> Vec<String> {
    match client.call(&["STATE.VALIDATE", schema, document]) {
        Reply::Simple(ok) if ok == "OK" => Vec::new(),
        Reply::Error(line) => {
            let (count, list) = line.split_once(": ").expect("a list of violations");
            let mut pointers: Vec<String> = list
                .split("; ")
                .filter_map(|violation| Some(violation.split_once(": ")?.0.to_owned()))
                .collect();
            pointers.sort();
            let plural = if pointers.len() == 1 { "" } else { "s" };
            assert_eq!(count, format!("INVALID {} violation{plural}", pointers.len()), "{line}");
            pointers
        }
        reply => panic!("{reply:?}"),
    }
}

fn schema_text(name: &str) -> String {
    std::fs::read_to_string(repository().join(format!("schemas/{name}.json"))).expect("a schema")
}

/// A server that begins without schemas takes each of them, and does not mind its annotations.
#[test]
fn each_can_be_set_by_hand() {
    let server = Server::builder().without_schemas().start();
    let mut client = server.client();
    for schema in SCHEMAS {
        assert_eq!(client.ok(&["STATE.SCHEMA", "SET", schema, &schema_text(schema)]), Reply::Int(1));
        let kept = client.text(&["STATE.SCHEMA", "GET", schema]);
        assert_eq!(
            client.ok(&["STATE.SCHEMA", "SET", schema, &kept]),
            Reply::Int(1),
            "what it gives it takes"
        );
    }
}

/// They come with the server, and are written so that a person reads them.
#[test]
fn they_are_loaded_from_the_folder() {
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
                "{schema} has a line that nobody reads"
            );
        }
    });
}

/// S19, S57: the first contact names the channel; the defaults do the rest.
#[test]
fn a_first_contact_is_enough_for_a_channel() {
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

/// S27: what a person is who was never seen.
#[test]
fn a_cached_user_begins_in_the_menu() {
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

/// S26: the conversation by stages begins there too.
#[test]
fn a_conversation_begins_in_the_menu() {
    state_test(|_, client| {
        assert_eq!(
            created(client, "user:{263771234567}:state", "vimbiso.conversation", "{}"),
            r#"{"stage":"handle_action_menu","option":null,"direction":"OUT","profile":{},"current_account":{}}"#
        );
    });
}

/// S28: after registration, and in the menu.
#[test]
fn a_registration_is_stored() {
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

/// S19 to S29, S9: whole documents as the notes draw them come back to the letter.
#[test]
fn whole_documents_are_kept_to_the_letter() {
    state_test(|_, client| {
        for (number, (schema, document)) in documents::WHOLE.iter().enumerate() {
            assert_eq!(violations(client, schema, document), Vec::<String>::new(), "{schema} {document}");
            let key = format!("channel:{number}");
            client.ok(&["STATE.SETPROTECTED", &key, "0", document, "REPLACE", "SCHEMA", schema]);
            assert_eq!(client.state(&key).1, *document);
        }
    });
}

/// S36, S38, S40, S46: what is wrong is named by its pointer, all of it at once, and nothing is stored.
#[test]
fn broken_documents_are_refused_by_their_pointers() {
    state_test(|_, client| {
        for (schema, document, pointers) in broken::TABLE {
            let mut expected: Vec<&str> = pointers.split(' ').collect();
            expected.sort_unstable();
            assert_eq!(violations(client, schema, document), expected, "{schema} {document}");
            let said = client.err(&["STATE.VALIDATE", schema, document]);
            let update =
                ["STATE.SETPROTECTED", "channel:+263771234567", "0", document, "REPLACE", "SCHEMA", schema];
            assert_eq!(client.err(&update), said, "an update is told the same");
        }
        assert_eq!(client.ok(&["DBSIZE"]), Reply::Int(0));
    });
}

/// S45: the options of a menu are those of the member's tier, of which 1 is what nobody said.
#[test]
fn options_are_those_of_the_tier() {
    state_test(|_, client| {
        let member = |tier: &str| match tier {
            "" => "{}".to_owned(),
            tier => format!(r#"{{"member":{{"memberTier":{tier}}}}}"#),
        };
        for handler in
            broken::HANDLERS_OF_TIER_1.iter().chain(broken::HANDLERS_OF_TIER_2).chain(&["handle_action_none"])
        {
            for tier in ["", "null", "1", "2", "3"] {
                let allowed = match tier {
                    "2" | "3" => broken::HANDLERS_OF_TIER_2,
                    _ => broken::HANDLERS_OF_TIER_1,
                };
                for name in ["stage", "option"] {
                    let other = if name == "stage" { "" } else { r#""stage":"handle_action_menu","# };
                    let profile = member(tier);
                    let conversation = format!(r#"{{{other}"{name}":"{handler}","profile":{profile}}}"#);
                    let user = format!(r#"{{{other}"{name}":"{handler}","state":{{"profile":{profile}}}}}"#);
                    for (schema, document) in
                        [("vimbiso.conversation", conversation), ("vimbiso.cached-user", user)]
                    {
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

/// What ordinary documents need is far from the budget of a command: a twenty-fifth of it is enough for 64 KB.
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
