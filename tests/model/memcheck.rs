//! memcheck: the random commands of the model test against a server under valgrind's memcheck.
//! Every reply is compared, and no report of memcheck may be about the module.
//!
//! Each round has its own server, since memcheck searches for lost blocks when the server exits.
//! trust/memcheck.rs has what the model has no commands for.

use std::cell::RefCell;

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use support::rounds::{Rounds, is_long, rounds};
use support::{Memcheck, Server};

use crate::run::Counts;
use crate::{COMMANDS, play_runs};

const RUNS_IN_TEST: u32 = 3;
/// Half a minute; a server under memcheck takes several seconds to start.
const RUNS_IN_SOAK: u32 = 30;

#[test]
fn memcheck() {
    rounds("memcheck", Rounds { in_test: 1, in_soak: 120 }, |dice, figures| {
        let watched = Memcheck::start(Server::builder().without_schemas());
        let mut seed = [0; 32];
        dice.fill(&mut seed);
        let runs = if is_long() { RUNS_IN_SOAK } else { RUNS_IN_TEST };
        // Shortening takes thousands of runs, which are hours here.
        let config =
            Config { cases: runs, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
        let runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
        play_runs(watched.server(), runner, &RefCell::new(Counts::new()));
        let reports = watched.end();
        reports.assert_none_of_the_module();
        figures.add("commands compared", u64::from(runs) * COMMANDS as u64);
        figures.add("reports of the server's own", reports.of_the_server);
    });
}
