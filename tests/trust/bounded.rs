//! Inputs that once froze a server, killed it, or took excessive memory: each gets the right reply,
//! a rejection changes nothing, the server continues, and its memory is freed.
//!
//! Each is also measured by `cost`, whose search starts from these inputs.

use std::time::Duration;

use support::{Reply, Server, wait_until};

use crate::cost::corpus::{Seed, corpus};
use crate::cost::figures::waiter;
use crate::cost::meter::Meter;
use crate::cost::script::{KEY, Step, keep, sent};
use crate::memory_figures::{number, used_bytes};

/// More than a server's tables and buffers vary, less than any of these inputs took.
const LEFT_BYTES_MAX: u64 = 4 << 20;
/// What a rejection leaves: an audit entry.
const REJECTED_BYTES_MAX: u64 = 256 << 10;

/// Plays each input whose name begins with `named`, of which there are `count`.
#[track_caller]
fn play(named: &str, count: usize) {
    let seeds: Vec<Seed> = corpus().into_iter().filter(|seed| seed.name.starts_with(named)).collect();
    assert_eq!(seeds.len(), count, "inputs whose names begin with {named}");
    let mut meter = Meter::start();
    for seed in &seeds {
        match meter.play(&seed.script()) {
            Ok(spent) => println!("{}: {spent}", seed.name),
            Err(find) => panic!("{}: {find}\n{}", seed.name, keep(&seed.script())),
        }
        let mut client = meter.server().client();
        let (run_id, before) = (client.info("server", "run_id"), used_bytes(&mut client));
        plays(meter.server(), seed);
        meter.clear();
        let most = before + LEFT_BYTES_MAX;
        wait_until(&format!("memory is freed after {}", seed.name), || used_bytes(&mut client) <= most);
        assert_eq!(client.info("server", "run_id"), run_id, "{}", meter.server().log());
        assert_eq!(number(&mut client, "state", "state_panics"), 0);
    }
}

#[track_caller]
fn plays(server: &Server, seed: &Seed) {
    let mut steps = seed.script().steps;
    let Some(Step::Command(last)) = steps.pop() else { panic!("the last step is a command") };
    let mut looker = server.client();
    let mut waiters = Vec::new();
    let mut player = server.client();
    for step in &steps {
        match step {
            Step::Pause(ms) => std::thread::sleep(Duration::from_millis(*ms)),
            Step::Waiters(count) => waiters.extend((0..*count).filter_map(|_| waiter(server))),
            Step::Command(words) => drop(player.call(&words.iter().map(sent).collect::<Vec<_>>())),
        }
    }
    // On another connection, whose buffers are freed with it.
    drop(player);
    let before = looker.call(&["STATE.GET", KEY]);
    let used_before = used_bytes(&mut looker);
    let mut player = server.client();
    let reply = player.call(&last.iter().map(sent).collect::<Vec<_>>());
    drop(player);
    let word = match &reply {
        Reply::Error(line) => line.split(' ').next().unwrap_or_default(),
        _ => "OK",
    };
    let Seed { name, right, .. } = seed;
    assert!(right.contains(&word), "{name}: {word}, and not one of {right:?}");
    if let Reply::Error(line) = &reply {
        assert!(line.len() < 16 << 10, "{name}: the error line has {} bytes", line.len());
        assert!(looker.call(&["STATE.GET", KEY]) == before, "{name}: the state is unchanged");
        let most = used_before + REJECTED_BYTES_MAX;
        wait_until(&format!("a rejection leaves no memory: {name}"), || used_bytes(&mut looker) <= most);
    }
}

#[test]
fn audit_patch_stops_at_its_limit() {
    play("a patch that repeats a path", 2);
}

#[test]
fn diff_stops_at_its_limit() {
    play("a difference that repeats a path", 2);
}

#[test]
fn violations_of_the_project_schema_are_counted_only_as_far_as_reported() {
    play("349,000 violations", 1);
}

#[test]
fn non_matching_names_are_not_all_collected() {
    play("5,000 names", 1);
    play("10,000 names", 1);
}

#[test]
fn elements_that_match_no_branch_are_not_all_collected() {
    play("oneOf of ten consts", 1);
}

#[test]
fn violation_does_not_copy_its_value() {
    play("20 required members", 2);
    play("unknown members", 1);
    play("members of 1 MB", 1);
}

#[test]
fn uniqueness_of_numbers_is_checked_quickly() {
    play("1,000 unique", 1);
    play("2,000 unique", 1);
    play("600 unique", 1);
    play("4,000 unique", 1);
    play("unique", 3);
}

#[test]
fn meta_of_stored_numbers_is_cheap() {
    play("stored numbers", 1);
}

#[test]
fn numbers_near_zero_are_compared_without_writing_them_out() {
    play("integers near zero", 1);
    play("numbers near zero", 4);
    play("a price near zero", 1);
    play("a number of a million digits", 1);
}

#[test]
fn large_numbers_are_divided_without_writing_them_out() {
    play("multipleOf", 1);
}

#[test]
fn lists_of_values_are_looked_up() {
    play("enum of", 2);
}

#[test]
fn doubling_schemas_are_rejected() {
    play("dependencies that double", 1);
    play("dependentSchemas that double", 1);
    play("percent-encoded", 1);
}

#[test]
fn unevaluated_members_are_not_searched_repeatedly() {
    play("unevaluated", 16);
}

#[test]
fn patterns_are_charged_by_their_size() {
    play("1,400 patterns", 1);
    play("a pattern with many states", 1);
    play("a hundred patterns", 1);
    play("a Unicode pattern", 1);
    play("patternProperties", 1);
}

#[test]
fn many_subschemas_for_each_element_are_charged() {
    play("900 types", 1);
    play("contains", 1);
}

#[test]
fn patch_does_not_exceed_its_budget() {
    play("50 times", 1);
    play("260 times", 1);
}

#[test]
fn recovery_is_charged_for_each_round() {
    play("a recovery", 2);
}

#[test]
fn reads_on_a_replica_are_charged_for_members_that_are_due() {
    for read in ["GET", "META", "HISTORY", "DIFF"] {
        play(read, if read == "GET" { 2 } else { 1 });
    }
}

#[test]
fn validation_of_lapses_is_charged() {
    play("lapses that", 2);
}

#[test]
fn long_key_and_many_patterns_cost_no_more_than_one() {
    play("1,024 patterns", 1);
}

#[test]
fn rejections_have_short_entries_and_replies() {
    play("rejected patches", 2);
    play("a rejected", 2);
}

#[test]
fn blocked_clients_share_one_reply() {
    play("an update that 300 clients wait for", 1);
}

#[test]
fn every_command_stays_within_the_bounds_on_a_large_state() {
    play("STATE.", 25);
    play("a creation of 60,000 members", 1);
}

#[test]
fn wide_objects_are_compared_and_masked_within_the_bound() {
    play("a wide object", 8);
    play("a wide difference", 1);
}

#[test]
fn rebase_of_a_wide_change_is_charged_before_the_comparison() {
    play("a wide SHALLOW", 1);
    play("a wide MERGE", 1);
    play("a wide REPLACE", 1);
}
