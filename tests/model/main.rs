//! The model test: random commands against a real server and against a model of its contract, with
//! every reply compared.
//!
//! The rules of a state are those of the reference model (`tests/reference`). `MODEL_RUNS` is the
//! number of runs of sixty commands; one server serves all of them. proptest shortens a run that
//! fails to a handful of commands and prints it; nothing is written to a file.

mod annotated_schema;
mod annotations;
mod arguments;
mod attempts;
mod audit_stream;
mod bindings;
mod command;
mod command_line;
mod commit;
mod coverage;
mod delete_touch;
mod expected;
mod generate;
mod invalid_commands;
mod json_arguments;
#[cfg(target_os = "linux")]
mod memcheck;
mod observed;
mod predicted;
mod reads;
mod recover;
mod recovery_rungs;
mod reply_text;
mod rollback;
mod rules;
mod run;
mod schemas;
mod state;
mod update;
mod world;

use std::cell::RefCell;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};
use proptest_state_machine::ReferenceStateMachine;
use support::{Client, Server};

use command::Command;
use predicted::Predicted;
use run::Counts;
use world::World;

const RUNS: u32 = 300;
const COMMANDS: usize = 60;

/// The world as a reference state machine of proptest.
struct Model;

impl ReferenceStateMachine for Model {
    type State = World;
    type Transition = Command;

    fn init_state() -> BoxedStrategy<World> {
        generate::settings().prop_map(World::new).boxed()
    }

    fn transitions(world: &World) -> BoxedStrategy<Command> {
        generate::command(world)
    }

    fn apply(world: World, command: &Command) -> World {
        world.play(command)
    }

    fn preconditions(world: &World, command: &Command) -> bool {
        let played = world.clone().play(command);
        !played.step.is_some_and(|step| matches!(step.predicted, Predicted::Unspecified))
    }
}

/// S9, S12, S31, S32, S36, S38, S39, S57, S58, S66: after any commands in any order, every reply is
/// the one that the contract specifies.
#[test]
fn server_matches_the_model() {
    let runs = match std::env::var("MODEL_RUNS") {
        Ok(runs) => runs.parse().expect("MODEL_RUNS is a number"),
        Err(_) => RUNS,
    };
    let server = Server::builder().without_schemas().start();
    let counts = RefCell::new(Counts::new());
    let config =
        Config { cases: runs, failure_persistence: None, max_shrink_iters: 4096, ..Config::default() };
    play_runs(&server, TestRunner::new(config), &counts);
    if runs >= RUNS {
        let counts = counts.into_inner();
        let missing = coverage::missing(&counts);
        assert!(missing.is_empty(), "never occurred: {missing:?}; what did:\n{}", coverage::shown(&counts));
    }
}

/// Plays the runs of a runner. The first difference fails the test, with the run as short as the
/// runner could make it.
fn play_runs(server: &Server, mut runner: TestRunner, counts: &RefCell<Counts>) {
    let strategy = Model::sequential_strategy(COMMANDS..=COMMANDS);
    let played = runner.run(&strategy, |(world, commands, seen)| {
        run::run(server.port(), world, &commands, seen, &mut counts.borrow_mut())
    });
    match played {
        Ok(()) => {}
        Err(TestError::Fail(wrong, (world, commands, _))) => {
            let numbered = commands.iter().zip(1..).map(|(command, number)| format!("{number} {command:?}"));
            let commands = numbered.collect::<Vec<_>>().join("\n");
            let log = if Client::connect(server.port()).is_err() { server.log() } else { String::new() };
            panic!("{wrong}\nthe shortest run: {:?}\n{commands}\n{log}", world.settings);
        }
        Err(other) => panic!("{other}"),
    }
}
