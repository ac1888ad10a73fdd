//! What one STATE.UPDATE costs in process: the decision, its bytes for replicas, and carrying it out.
//!
//!     cargo run --release -p redis-state-core --example decide -- [accounts] [rounds]
//!     valgrind --tool=callgrind target/release/examples/decide 3 1000
//!
//! Three accounts make a document of about 2 KB, 135 one of 64 KB. The schema is the bot's, and the changes are those of a
//! person who fills in a form: the step, what was typed, and the step back. What is printed includes the ten snapshots.

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use redis_state_core::decide::{self, Context, Remarks, Rights, Update};
use redis_state_core::{Change, ChangeKind, Effect, Expected, Limits, Registry, State, Ttl, codec};

const SCHEMA: &[u8] = include_bytes!("../../schemas/vimbiso.channel.json");
const CHANGES: [&str; 2] = [
    r#"{"current":{"path":"login","component":"Greeting","awaiting_input":true,"component_result":"amount","data":{"amount":99.25,"currency":"USD","handle":"tariro_moyo"}}}"#,
    r#"{"current":{"path":"login","component":"LoginApiCall","awaiting_input":true,"component_result":null,"data":{"amount":125.5,"currency":"USD","handle":"ana_pereira"}}}"#,
];
const START_MS: i64 = 1_741_058_499_570;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u32>());
    let accounts = arguments.next().unwrap_or(Ok(3))?;
    let rounds = arguments.next().unwrap_or(Ok(20_000))?;

    let mut registry = Registry::new();
    let schema = registry.prepare("vimbiso.channel", SCHEMA)?;
    registry.put(schema);
    let document = document(accounts);
    let mut state: Option<State> = None;
    apply(&mut state, &registry, (ChangeKind::Replace, &document), 0)?;
    for round in 1..64 {
        apply(&mut state, &registry, (ChangeKind::Merge, change(round)), round)?;
    }
    let began = Instant::now();
    for round in 64..rounds.saturating_add(64) {
        apply(&mut state, &registry, (ChangeKind::Merge, change(round)), round)?;
    }
    let each_ns = began.elapsed().as_nanos().checked_div(u128::from(rounds)).unwrap_or_default();
    let heap_bytes: usize = state.iter().flat_map(State::heap_blocks_bytes).sum();
    println!(
        "document {} B, update {each_ns} ns, state with ten snapshots {heap_bytes} B",
        state.map_or(0, |state| state.head().document.text().len())
    );
    Ok(())
}

/// Decides one update and carries it out, as the server does.
fn apply(
    state: &mut Option<State>,
    registry: &Registry,
    (kind, json): (ChangeKind, &str),
    round: u32,
) -> Result<(), Box<dyn Error>> {
    let limits = Limits::default();
    let context = Context {
        key: b"channel:+263771234567",
        now_ms: START_MS.saturating_add(i64::from(round)),
        seed: 0x5eed,
        user: "default",
        limits: &limits,
        registry,
        expires_at_ms: state.as_ref().map(|_| START_MS.saturating_add(300_000)),
    };
    let request = Update {
        expected: Expected::Any,
        schema: Some("vimbiso.channel".to_owned()),
        label: None,
        rebase: false,
        ttl: Ttl::Default,
        remarks: Remarks::default(),
        rights: Rights { protect: state.is_none(), read_secrets: false },
    };
    let change = Change::parse(kind, json.as_bytes(), &limits)?;
    let outcome = decide::update(state.as_ref(), &request, change, &context)?;
    black_box(codec::encode_effects(&outcome.effects, None));
    for effect in outcome.effects {
        match (effect, state.as_mut()) {
            (Effect::Put(put), _) => *state = Some(*put),
            (effect, Some(state)) => state.apply(effect),
            (_, None) => {}
        }
    }
    Ok(())
}

fn change(round: u32) -> &'static str {
    let [first, second] = CHANGES;
    if round.is_multiple_of(2) { first } else { second }
}

/// A session of a member who has so many accounts.
fn document(accounts: u32) -> String {
    let accounts: Vec<String> = (0..accounts).map(account).collect();
    format!(
        concat!(
            r#"{{"channel":{{"type":"whatsapp","identifier":"+263771234567"}},"#,
            r#""dashboard":{{"member":{{"memberID":"mem-00000007","firstname":"Tariro","lastname":"Moyo","memberTier":2,"#,
            r#""defaultDenom":"USD","remainingAvailableUSD":812.50}},"accounts":[{accounts}]}},"#,
            r#""action":{{"id":"act-00000007","type":"offer_credex","timestamp":"2026-03-05T04:28:52.040Z","#,
            r#""details":{{"note":"School fees \"term 2\" 🙂"}}}},"#,
            r#""auth":{{"token":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZW0tMSJ9.c2lnbmF0dXJl"}},"#,
            r#""current":{{"path":"login","component":"Greeting","awaiting_input":true,"component_result":null,"data":{{}}}}}}"#
        ),
        accounts = accounts.join(",")
    )
}

fn account(account: u32) -> String {
    format!(
        concat!(
            r#"{{"accountID":"acc-{account:08}","accountName":"Zoë Müller Shop","accountHandle":"user_{account:04}","#,
            r#""accountType":"BUSINESS","defaultDenom":"USD","isOwnedAccount":true,"authFor":["Ana Pereira","Ryan Watson"],"#,
            r#""balanceData":{{"securedNetBalancesByDenom":["166.37 USD","12.50 CXX"],"unsecuredBalancesInDefaultDenom":"#,
            r#"{{"totalPayables":70.00,"totalReceivables":284.10,"netPayRec":214.10}},"netCredexAssetsInDefaultDenom":"380.47 USD"}},"#,
            r#""pendingInData":3,"pendingOutData":4}}"#
        ),
        account = account
    )
}
