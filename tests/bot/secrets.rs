//! The program never prints a secret, whatever fails.

use std::process::Output;

use crate::program::run;

const PASSWORD: &str = "a-long-password";

/// Addresses without a Redis, with a password; the last one is invalid.
const ADDRESSES: [&str; 4] = [
    "redis://bot:a-long-password@127.0.0.1:1/0",
    "rediss://bot:a-long-password@127.0.0.1:1/0",
    "redis+unix:///nowhere?user=bot&pass=a-long-password",
    "redis://bot:a-long-password@127.0.0.1:port",
];

fn serve_with(url: &str) -> Vec<(&str, &str)> {
    vec![
        ("REDIS_STATE_URL", url),
        ("BOT_LEDGER_URL", "http://bot:a-long-password@127.0.0.1:1/v1"),
        ("GRAPH_URL", "http://bot:a-long-password@127.0.0.1:1/v21.0"),
        ("WHATSAPP_VERIFY_TOKEN", PASSWORD),
        ("WHATSAPP_APP_SECRET", PASSWORD),
        ("WHATSAPP_TOKEN", PASSWORD),
        ("WHATSAPP_PHONE_NUMBER_ID", "1055"),
        ("BOT_LISTEN", "127.0.0.1:0"),
    ]
}

#[track_caller]
fn printed(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    let all = format!("{out}{err}");
    assert!(!all.contains(PASSWORD), "{all}");
    all
}

#[test]
fn help_shows_no_password() {
    for subcommand in ["terminal", "serve"] {
        let help = run(subcommand, &["--help"], &serve_with(ADDRESSES[0]));
        assert!(help.status.success());
        assert!(printed(&help).contains("REDIS_STATE_URL"));
    }
}

#[test]
fn failed_connection_shows_no_password() {
    std::thread::scope(|all| {
        for url in ADDRESSES {
            all.spawn(move || {
                let by_environment = run("terminal", &[], &[("REDIS_STATE_URL", url)]);
                assert!(!by_environment.status.success());
                // An invalid address has to be corrected; starting a server there would not help.
                let advice = if url.ends_with(":port") { "Correct the address" } else { "make run" };
                assert!(printed(&by_environment).contains(advice), "{by_environment:?}");
            });
            all.spawn(move || {
                let by_argument = run("terminal", &["--redis", url], &[]);
                assert!(!by_argument.status.success());
                printed(&by_argument);
            });
            all.spawn(move || {
                let environment = serve_with(url);
                let more = [(
                    "RUST_LOG",
                    "info,redis_state_bot=trace,redis_state_client=trace,redis_state_vimbiso=trace",
                )];
                let served = run("serve", &[], &[environment, more.to_vec()].concat());
                assert!(!served.status.success());
                assert!(printed(&served).contains("REDIS_STATE_URL"));
            });
        }
    });
}

/// The address is no secret: the operator needs it.
#[test]
fn failed_connection_names_its_address() {
    let output = run("terminal", &[], &[("REDIS_STATE_URL", ADDRESSES[0])]);
    assert!(printed(&output).contains("127.0.0.1:1"), "{}", printed(&output));
}
