//! What the scripts print for a newcomer, and which server they use.

use std::process::{Command, Output};

use support::repository;

/// Runs a script of bash in the repository.
fn bash(script: &str, environment: &[(&str, &str)]) -> Output {
    let mut bash = Command::new("bash");
    bash.env_remove("PORT").env_remove("REDIS_STATE_URL").envs(environment.iter().copied());
    bash.args(["-c", script]).current_dir(repository()).output().expect("bash")
}

#[test]
fn old_cargo_gets_the_hint_to_rustup() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let cargo = home.path().join("cargo");
    std::fs::write(&cargo, "#!/bin/sh\necho 'cargo 1.85.0 (d73d2caf9 2024-12-31)'\n").expect("a file");
    let script = format!(
        "chmod +x {0}/cargo; HOME={0} PATH={0}:/usr/bin:/bin scripts/build.sh",
        home.path().display()
    );
    let output = bash(&script, &[]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("cargo 1.85.0 (d73d2caf9 2024-12-31) is too old: Rust 1.89 or newer"), "{said}");
    assert!(said.contains("Install Rust by rustup") && !said.contains("profile"), "{said}");
}

#[test]
fn port_replaces_the_port_of_the_url() {
    let script = r#". scripts/tools.sh; server_address; echo "$login $host $port $database $local_server""#;
    for (port, url, meant) in [
        ("", "", " 127.0.0.1 6379  yes"),
        ("6390", "", " 127.0.0.1 6390  yes"),
        ("", "redis://:pw@localhost:7000/1", ":pw localhost 7000 /1 yes"),
        ("6390", "redis://bot:pw@localhost:7000/1", "bot:pw localhost 6390 /1 yes"),
        ("", "redis://redis.example/0", " redis.example 6379 /0 "),
    ] {
        let output = bash(script, &[("PORT", port), ("REDIS_STATE_URL", url)]);
        assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{meant}\n"), "{port} {url}: {output:?}");
    }
}
