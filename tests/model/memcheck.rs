//! memcheck: the random commands of the model test against a server that memcheck watches. Every reply is compared as ever, and
//! at the end nothing that memcheck has reported may be the module's.
//!
//! A round has a server of its own, since blocks that are lost are searched for when it ends. Moments that the model has no
//! commands for are in trust/memcheck.rs.

use std::cell::RefCell;

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use support::rounds::{Rounds, is_long, rounds};
use support::{Memcheck, Server};

use crate::play::Counts;
use crate::{COMMANDS, play_runs};

const RUNS_IN_TEST: u32 = 3;
/// Half a minute; the start of a server that is watched takes several seconds.
const RUNS_IN_SOAK: u32 = 30;

#[test]
fn memcheck() {
    rounds("memcheck", Rounds { in_test: 1, in_soak: 120 }, |dice, figures| {
        let watched = Memcheck::start(Server::builder().without_schemas());
        let mut seed = [0; 32];
        dice.fill(&mut seed);
        let runs = if is_long() { RUNS_IN_SOAK } else { RUNS_IN_TEST };
        // Thousands of shorter runs would take hours here.
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
