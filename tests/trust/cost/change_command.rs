//! Mutations of commands: another kind of update or other options, a command added, repeated or
//! removed.

use fastrand::Rng;
use serde_json::{Value, json};

use super::corpus_memory::at;
use super::script::{KEY, SCHEMA, Step, Word, text};

/// The maximum length of a script after mutations.
const STEPS_MAX: usize = 40;

const KINDS: [&str; 4] = ["MERGE", "SHALLOW", "PATCH", "REPLACE"];
const OPTIONS: [&str; 8] = [
    "RETURN",
    "DRYRUN",
    "LABEL menu",
    "EVENT shown",
    "REBASE",
    "OPERATION offer",
    "SCHEMA vimbiso.cost",
    "ID wamid.1",
];

/// Commands that may follow any other.
const LINES: [&str; 18] = [
    "STATE.GET KEY",
    "STATE.GET KEY /a /v /v/0 /m1 /m59999",
    "STATE.GET KEY VERSION 1",
    "STATE.HISTORY KEY",
    "STATE.DIFF KEY 1 2",
    "STATE.DIFF KEY 2 1",
    "STATE.META KEY",
    "STATE.ROLLBACK KEY *",
    "STATE.ROLLBACK KEY * LASTVALID RETURN",
    "STATE.ROLLBACK KEY * TO 1 ONLY 2 /a /v ALL",
    "STATE.RESET KEY *",
    "STATE.RECOVER KEY",
    "STATE.RECOVER KEY SCHEMA vimbiso.cost",
    "STATE.ATTEMPT KEY offer FAILURE",
    "STATE.TOUCH KEY EX 60 ALIGN 2 a b",
    "STATE.DELETE KEY *",
    "STATE.SCHEMA GET vimbiso.cost",
    "STATE.SCHEMA BIND channel:* vimbiso.cost",
];

pub fn change_commands(dice: &mut Rng, steps: &mut Vec<Step>) {
    let place = dice.usize(..=steps.len());
    match dice.u8(..7) {
        0 | 1 if steps.len() < STEPS_MAX => {
            steps.insert(place, at(KEY, dice.choice(LINES).expect("lines")));
        }
        2 if steps.len() < STEPS_MAX && place < steps.len() => steps.insert(place, steps[place].clone()),
        3 if steps.len() > 1 && place < steps.len() => drop(steps.remove(place)),
        4 if steps.len() < STEPS_MAX => drop(use_the_json(dice, steps)),
        5 if place < steps.len() => option(dice, &mut steps[place]),
        _ if place < steps.len() => kind(dice, &mut steps[place]),
        _ => {}
    }
}

/// Uses a document of the script as a state, as another version of it, or for validation.
fn use_the_json(dice: &mut Rng, steps: &mut Vec<Step>) -> Option<()> {
    let documents = steps.iter().filter_map(|step| match step {
        Step::Command(words) => words.iter().find_map(|word| match word {
            Word::Json(json) => Some(json),
            _ => None,
        }),
        _ => None,
    });
    let documents: Vec<&Value> = documents.collect();
    let json = (*dice.choice(&documents)?).clone();
    let words = match dice.u8(..3) {
        0 => vec![text("STATE.VALIDATE"), text(SCHEMA), Word::Json(json)],
        1 => vec![text("STATE.UPDATE"), text(KEY), text("*"), Word::Json(json), text("SCHEMA"), text(SCHEMA)],
        // Back and forth: each time everything differs.
        _ => {
            let other = [
                text("STATE.SETPROTECTED"),
                text(KEY),
                text("*"),
                Word::Json(json!({"a": 1})),
                text("REPLACE"),
            ];
            steps.push(Step::Command(other.into()));
            vec![text("STATE.SETPROTECTED"), text(KEY), text("*"), Word::Json(json), text("REPLACE")]
        }
    };
    steps.push(Step::Command(words));
    Some(())
}

fn is_update(words: &[Word]) -> bool {
    matches!(words.first(), Some(Word::Text(name)) if [&b"STATE.UPDATE"[..], b"STATE.SETPROTECTED"].contains(&&name[..]))
}

fn option(dice: &mut Rng, step: &mut Step) {
    let Step::Command(words) = step else { return };
    if is_update(words) {
        let option = dice.choice(OPTIONS).expect("options");
        words.extend(option.split_whitespace().map(text));
    }
}

fn kind(dice: &mut Rng, step: &mut Step) {
    let Step::Command(words) = step else { return };
    if is_update(words) {
        words.retain(
            |word| !matches!(word, Word::Text(text) if KINDS.iter().any(|kind| kind.as_bytes() == text)),
        );
        words.push(text(dice.choice(KINDS).expect("kinds")));
        words[2] = text("*");
    }
}
