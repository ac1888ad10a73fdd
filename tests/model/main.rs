//! The model test: random commands against a real server and against a plain model of the contract, every reply compared.
//!
//! The model is a second implementation, naive on purpose, that shares no code with the module. `MODEL_RUNS` says how many
//! runs of sixty commands are played; one server serves them all. A run that fails is made shorter by leaving
//! commands out, so that what is printed is a handful of commands; nothing is written to a file.

mod asks;
mod attempts;
mod bindings;
mod changes;
mod claim;
mod command;
mod coverage;
mod generate;
mod going_back;
mod guarded;
mod json;
mod keep;
mod known;
mod lasting;
mod line;
#[cfg(target_os = "linux")]
mod memcheck;
mod patch;
mod picks;
mod play;
mod recover;
mod refused;
mod rules;
mod schemas;
mod settle;
mod shown;
mod state;
mod texts;
mod trail;
mod want;
mod ways_out;
mod world;

use std::cell::RefCell;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};
use proptest_state_machine::ReferenceStateMachine;
use support::{Client, Server};

use command::Command;
use play::Counts;
use want::Want;
use world::World;

const RUNS: u32 = 300;
const COMMANDS: usize = 60;

/// The model, as the generator of commands wants it.
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
        !played.step.is_some_and(|step| matches!(step.want, Want::Unsaid))
    }
}

/// S9, S12, S31, S32, S36, S38, S39, S57, S58, S66: whatever is said in whatever order, every reply is the one that the contract asks for.
#[test]
fn the_server_does_what_the_model_does() {
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

/// Plays the runs that a runner has; the first that shows a difference fails the test, as short as the runner could make it.
fn play_runs(server: &Server, mut runner: TestRunner, counts: &RefCell<Counts>) {
    let strategy = Model::sequential_strategy(COMMANDS..=COMMANDS);
    let played = runner.run(&strategy, |(world, commands, seen)| {
        play::run(server.port(), world, &commands, seen, &mut counts.borrow_mut())
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
