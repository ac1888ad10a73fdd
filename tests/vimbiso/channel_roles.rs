//! The roles of components: what each may do, counted and audited under the component's name. What
//! they may not do does not compile: `compile_fail.rs`.

use redis_state_client::{Async, Error, ErrorKind, Result, connect_blocking, redis};
use redis_state_vimbiso::channel::{Channel, Context, FlowUpdate, Reads, Step, ValidationResult};
use serde_json::{Value, json};
use support::{Server, block_on};

use crate::bot::{
    AsyncChannel, Bank, ID, KEY, Outbox, TO_AMOUNT, all, attempts, channel, channel_at, document, wrote,
};
use crate::channel_api::{client_token, login_call};

fn amount_input() -> Step {
    Step::new("offer", "AmountInput")
}

fn amount(text: &str) -> ValidationResult<Value> {
    match text.parse::<u32>() {
        Ok(amount) => ValidationResult::success(json!({"amount": amount})),
        Err(_) => ValidationResult::failure("Please send a number."),
    }
}

/// S50, S55: a display reads the state, sends a text, and changes nothing.
#[test]
fn display_only_reads() {
    let server = Server::start();
    let mut client = server.client();
    block_on(async {
        let mut channel = channel(&server).await.with_messaging(Outbox::default());
        let before = all(&mut client);
        let mut display = channel.display();
        let text = format!(
            "{} on {}",
            display.get_component().await.unwrap(),
            display.get_channel_type().await.unwrap()
        );
        assert!(display.send_message(&text).await.unwrap().is_success());
        assert_eq!(channel.messaging().sent, ["+263771234567: Greeting on whatsapp"]);

        channel.messaging().no_line = true;
        let failed = channel.send_message("hello").await.unwrap();
        assert_eq!(failed.error().map(|error| error.details.code.as_str()), Some("MESSAGE_SEND_ERROR"));
        assert_eq!(all(&mut client), before);
    });
}

/// S41, S50: accepted input is merged into the flow's data and counted under the component's name.
#[test]
fn input_writes_its_own_data_and_is_counted() {
    let server = Server::start();
    let mut client = server.client();
    block_on(async {
        let mut channel = channel_at(&server, &TO_AMOUNT).await.with_messaging(Outbox::default());
        channel.update_state(&FlowUpdate::from("offer").data(json!({"currency": "USD"}))).await.unwrap();
        let mut input = channel.input(amount_input());
        assert!(input.send_message("How much?").await.unwrap().is_success());
        let taken = input.submit(amount("125")).await.unwrap();
        assert_eq!(taken.value(), Some(&json!({"amount": 125})));
        let current = document(&mut client)["current"].clone();
        assert_eq!(current["data"], json!({"currency": "USD", "amount": 125}));
        assert_eq!((&current["path"], &current["component"]), (&json!("offer"), &json!("AmountInput")));
        wrote(
            &mut client,
            &[
                ("event", "update"),
                ("actor", "AmountInput"),
                ("operation", "AmountInput"),
                ("component", "AmountInput"),
            ],
        );
        assert_eq!(attempts(&mut client, "AmountInput"), (1, 0));

        // Null data, as another program may leave it, is replaced.
        client.ok(&["STATE.UPDATE", KEY, "*", r#"{"current":{"data":null}}"#]);
        channel.input(amount_input()).operation("amount").submit(amount("7")).await.unwrap();
        assert_eq!(document(&mut client)["current"]["data"], json!({"amount": 7}));
        assert_eq!(attempts(&mut client, "amount"), (1, 0));
    });
}

/// S36, S41, S47: rejected input is counted with its reason, and changes nothing.
#[test]
fn rejected_input_is_counted_and_not_written() {
    let server = Server::start();
    let mut client = server.client();
    block_on(async {
        let mut channel = channel_at(&server, &TO_AMOUNT).await;
        let before = client.state(KEY);
        let rejected = channel.input(amount_input()).submit(amount("many")).await.unwrap();
        assert_eq!(rejected.error().map(|error| error.message.as_str()), Some("Please send a number."));
        assert_eq!(client.state(KEY), before);
        wrote(
            &mut client,
            &[
                ("event", "attempt"),
                ("actor", "AmountInput"),
                ("operation", "AmountInput"),
                ("component", "AmountInput"),
                ("outcome", "failure"),
                ("error", "Please send a number."),
            ],
        );
        assert_eq!(attempts(&mut client, "AmountInput"), (1, 1));
        // A reason that is longer than the server accepts, in letters of several bytes.
        let long = ValidationResult::<Value>::failure("ñ".repeat(2000));
        assert!(!channel.input(amount_input()).submit(long).await.unwrap().is_success());
        assert_eq!(attempts(&mut client, "AmountInput"), (2, 2));
        let latest =
            channel.get_validation_status("AmountInput").await.unwrap().latest.expect("a latest attempt");
        assert_eq!(latest.error.map(|error| error.chars().count()), Some(512));
    });
}

/// S38, S41: a rejection by the schema is an ordinary failure, counted once.
#[test]
fn rejection_by_the_schema_is_a_failure_of_the_input() {
    let server = Server::start();
    let mut client = server.client();
    client.ok(&[
        "STATE.SCHEMA",
        "SET",
        "small",
        r#"{"properties":{"current":{"properties":{"data":{"properties":{"amount":{"maximum":100}}}}}}}"#,
    ]);
    client.ok(&["STATE.SCHEMA", "BIND", "channel:*", "small"]);
    let begin = r#"{"current":{"path":"offer","component":"AmountInput"}}"#;
    client.ok(&["STATE.UPDATE", KEY, "0", begin]);
    block_on(async {
        let mut channel = Channel::new(redis_state_client::connect(&server.url()).await.unwrap(), ID);
        let before = client.state(KEY);
        let rejected = channel.input(amount_input()).submit(amount("125")).await.unwrap();
        let context = rejected.error().expect("above the maximum");
        assert_eq!(context.kind, Some(ErrorKind::Invalid));
        assert_eq!(
            (context.details.code.as_str(), context.details.service.as_str()),
            ("STATE_UPDATE_ERROR", "AmountInput")
        );
        assert_eq!(client.state(KEY), before);
        assert_eq!(attempts(&mut client, "AmountInput"), (1, 1));
    });
}

/// S32, S50: late input, after the component's turn, changes nothing and is no attempt of the next
/// component.
#[test]
fn late_input_changes_nothing() {
    let server = Server::start();
    let mut client = server.client();
    block_on(async {
        let mut channel = channel_at(&server, &TO_AMOUNT).await;
        channel.update_state(&FlowUpdate::from("offer").component("HandleInput")).await.unwrap();
        let before = all(&mut client);
        let late = channel.input(amount_input()).submit(amount("125")).await.unwrap_err();
        assert!(late.is_conflict());
        assert_eq!(
            late.to_string(),
            "CONFLICT it is not the turn of offer/AmountInput but of offer/HandleInput"
        );
        // The same name on another path is another component.
        let elsewhere =
            channel.input(Step::new("login", "HandleInput")).submit(amount("125")).await.unwrap_err();
        assert!(elsewhere.is_conflict());
        assert_eq!(all(&mut client), before);
        assert_eq!(attempts(&mut client, "AmountInput"), (0, 0));
    });
}

/// S32, S50: so does input whose turn ends between its read and its write.
#[test]
fn turn_that_ends_before_the_write_is_noticed() {
    let server = Server::start();
    let mut client = server.client();
    block_on(async {
        let mut channel = channel_at(&server, &TO_AMOUNT).await;
        let mut asked = 0;
        let mut confirm = channel.confirm(amount_input());
        let late = confirm.decide(|_: &Context| {
            asked += 1;
            let on = r#"{"current":{"component":"HandleInput"}}"#;
            server.client().ok(&["STATE.UPDATE", KEY, "*", on]);
            ValidationResult::success("confirmed".to_owned())
        });
        assert!(late.await.unwrap_err().is_conflict());
        assert_eq!(asked, 1);
    });
    let current = document(&mut client)["current"].clone();
    assert_eq!(current["component_result"], Value::Null);
    assert_eq!(attempts(&mut client, "confirm"), (0, 0));
}

/// S41: a redelivered message is one attempt.
#[test]
fn redelivered_message_is_one_attempt() {
    let server = Server::start();
    let mut client = server.client();
    block_on(async {
        let mut channel = channel_at(&server, &TO_AMOUNT).await;
        for _ in 0..2 {
            let taken = channel.input(amount_input()).id("wamid.HBgL1").submit(amount("125")).await.unwrap();
            assert!(taken.is_success());
        }
    });
    assert_eq!(attempts(&mut client, "AmountInput"), (1, 0));
}

async fn at_confirm(server: &Server) -> AsyncChannel {
    let steps = [TO_AMOUNT.as_slice(), &[("offer", "HandleInput"), ("offer", "ConfirmOffer")]].concat();
    let mut channel = channel_at(server, &steps).await;
    channel.update_state(&FlowUpdate::from("offer").data(json!({"amount": 125}))).await.unwrap();
    server.client().ok(&[
        "STATE.SETPROTECTED",
        KEY,
        "*",
        r#"{"dashboard":{"member":{"memberID":"7d1f"}},"action":{}}"#,
    ]);
    channel
}

fn yes_or_no<'a>(reply: &'a str) -> impl FnMut(&Context) -> ValidationResult<String> + Send + 'a {
    move |context| match reply {
        "yes" => {
            let amount = context.current.data.as_ref().map(|data| data["amount"].clone());
            let member = context.dashboard.as_ref().map(|dashboard| dashboard["member"]["memberID"].clone());
            assert_eq!((amount, member), (Some(json!(125)), Some(json!("7d1f"))));
            ValidationResult::success("confirmed".to_owned())
        }
        "no" => ValidationResult::success("declined".to_owned()),
        _ => ValidationResult::failure("Please say yes or no."),
    }
}

/// S47, S50, S55: a confirmation reads its context, writes its result, and is counted as `confirm`.
#[test]
fn confirmation_writes_its_result() {
    let server = Server::start();
    let mut client = server.client();
    let step = || Step::new("offer", "ConfirmOffer");
    block_on(async {
        let mut channel = at_confirm(&server).await.with_messaging(Outbox::default());
        let mut before = document(&mut client);

        let unclear = channel.confirm(step()).decide(yes_or_no("perhaps")).await.unwrap();
        assert!(!unclear.is_success());
        assert_eq!(document(&mut client), before);
        wrote(
            &mut client,
            &[
                ("event", "attempt"),
                ("actor", "ConfirmOffer"),
                ("operation", "confirm"),
                ("component", "ConfirmOffer"),
                ("outcome", "failure"),
                ("error", "Please say yes or no."),
            ],
        );

        let mut confirm = channel.confirm(step());
        let member = confirm.get_member_id().await.unwrap();
        assert!(confirm.send_message(&format!("Sure, {member:?}?")).await.unwrap().is_success());
        let decided = confirm.decide(yes_or_no("yes")).await.unwrap();
        assert_eq!(decided.value().map(String::as_str), Some("confirmed"));
        before["current"]["component_result"] = json!("confirmed");
        assert_eq!(document(&mut client), before, "only the result is written");
        wrote(&mut client, &[("event", "update"), ("actor", "ConfirmOffer"), ("operation", "confirm")]);
        assert_eq!(attempts(&mut client, "confirm"), (2, 0));
    });
}

/// S32, S47: a confirmation is decided again when its context changes meanwhile.
#[test]
fn confirmation_is_decided_again_after_a_change() {
    let server = Server::start();
    block_on(async {
        let mut channel = at_confirm(&server).await;
        let mut seen = Vec::new();
        let mut confirm = channel.confirm(Step::new("offer", "ConfirmOffer"));
        let decided = confirm.decide(|context: &Context| {
            let amount = context.current.data.as_ref().map(|data| data["amount"].clone());
            if seen.is_empty() {
                server.client().ok(&["STATE.UPDATE", KEY, "*", r#"{"current":{"data":{"amount":9999}}}"#]);
            }
            seen.push(amount.clone());
            match amount {
                Some(amount) if amount == 125 => ValidationResult::success("confirmed".to_owned()),
                _ => ValidationResult::failure("The amount has changed."),
            }
        });
        assert!(!decided.await.unwrap().is_success());
        assert_eq!(seen, [Some(json!(125)), Some(json!(9999))]);
    });
    assert_eq!(document(&mut server.client())["current"]["component_result"], Value::Null);
}

/// S48, S55: a reply that the bot fetched itself is handled the same way, by a blocking channel
/// too.
#[test]
fn blocking_channel_has_the_same_roles() {
    let server = Server::start();
    let mut client = server.client();
    client_token(&server, "eyJold");
    let states = connect_blocking(&server.url()).expect("a server");
    let mut channel = Channel::new(states, ID).with_messaging(Outbox::default());
    let mut bank = Bank::new("eyJnew");
    let answer = channel.api(login_call(), &mut bank).make_api_request("balance").unwrap();
    assert_eq!((bank.calls.len(), bank.renewals), (2, 1));
    let answer = answer.into_result().expect("it was answered");
    assert_eq!(document(&mut client)["dashboard"], answer.dashboard);

    let fetched = crate::bot::Answered { action: json!({"type": "fetched"}), ..answer };
    assert!(channel.api(login_call(), &mut bank).handle_api_response(fetched).unwrap().is_success());
    assert_eq!(document(&mut client)["action"], json!({"type": "fetched"}));

    assert!(channel.input(login_call()).submit(amount("5")).unwrap().is_success());
    let decided =
        channel.confirm(login_call()).decide(|_: &Context| ValidationResult::success("done".to_owned()));
    assert!(decided.unwrap().is_success());
    assert_eq!(document(&mut client)["current"]["component_result"], "done");
    let mut display = channel.display();
    let text = display.get_component_data::<Value>().unwrap().expect("data").to_string();
    assert!(display.send_message(&text).unwrap().is_success());
    assert_eq!(channel.messaging().sent, [r#"+263771234567: {"amount":5}"#]);
}

/// S54: the futures of every role are Send, as tasks need.
#[test]
fn futures_of_roles_are_send() {
    fn sendable(_: impl Future<Output = Result<()>> + Send) {}
    async fn all_of<C: redis::aio::ConnectionLike + Send>(
        mut channel: Channel<Async<C>, Outbox>,
    ) -> Result<()> {
        let mut bank = Bank::new("eyJone");
        channel.display().send_message("hello").await?;
        channel.input(amount_input()).submit(amount("5")).await?;
        channel.api(login_call(), &mut bank).make_api_request("balance").await?;
        let _ = channel.confirm(login_call()).decide(yes_or_no("no")).await?;
        channel.get_state().await.map(drop)
    }
    fn of<C: redis::aio::ConnectionLike + Send>(channel: Channel<Async<C>, Outbox>) {
        sendable(all_of(channel));
    }
    let _ = of::<redis::aio::ConnectionManager>;
    let _: fn(Error) -> bool = |error| error.is_conflict();
}

/// S41, S55: a redelivered rejected message counts as one attempt.
#[test]
fn redelivered_rejected_message_counts_once() {
    let server = Server::start();
    let mut client = server.client();
    block_on(async {
        let mut channel = channel_at(&server, &TO_AMOUNT).await;
        let step = Step::new("offer", "AmountInput");
        for _ in 0..2 {
            let rejected = ValidationResult::<Value>::failure("Please send a number.");
            channel.input(step.clone()).id("wamid.HBgL1").submit(rejected).await.expect("it is counted");
            let rejected = |_: &Context| ValidationResult::failure("Please say yes or no.");
            channel.confirm(step.clone()).id("wamid.HBgL2").decide(rejected).await.expect("it is counted");
        }
        assert_eq!(attempts(&mut client, "AmountInput"), (1, 1));
        assert_eq!(attempts(&mut client, "confirm"), (1, 1));
    });
}
