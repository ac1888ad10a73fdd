//! `make bench-time`: the cost of deadlines. How late a lapse is, how long a hundred thousand
//! simultaneous lapses delay another client, the memory of a state with a deadline, and the timer's
//! cost with a thousand and with a million of them.
//!
//! The timer's cost is measured as the CPU time of an idle server with its own periodic work
//! reduced. It includes the rest of an idle server, but would show any growth with the number of
//! states.

use std::path::Path;
use std::time::{Duration, Instant};

use redis::cmd;

use crate::pauses::{LONGEST, ping};
use crate::server::Server;

const TTL_MS: u64 = 36_000_000;
const FEW: usize = 1_000;
const MANY: usize = 1_000_000;
const AT_ONCE: usize = 100_000;
/// States that lapse one by one, to measure the delay.
const SINGLE: usize = 200;
/// The maximum ratio of an idle server's cost with many states to that with few.
const IDLE_RATIO_MAX: f64 = 1.2;
const IDLE_ROUNDS: usize = 7;
const IDLE_STRETCH: Duration = Duration::from_secs(1);

/// Measures and prints; returns whether all limits were kept.
pub fn run(module: &Path) -> Result<bool, String> {
    let server = Server::start(module)?;
    server.set("hz", "1")?;
    server.set("activerehashing", "no")?;
    let late_ms = how_late(&server)?;
    println!(
        "a lapse is committed {:.0} ms after its deadline (median of {SINGLE}), {:.0} ms at most",
        late_ms.0, late_ms.1
    );
    server.set("state.audit", "no")?;

    let wait = burst(&server)?;
    let is_short = wait < LONGEST;
    println!(
        "{AT_ONCE} deadlines at one instant: another client waits {:.1} ms at most, {} {} ms",
        wait.as_secs_f64() * 1000.0,
        if is_short { "under" } else { "MISSES" },
        LONGEST.as_millis()
    );

    let plain = fill(&server, "plain", r#"{"properties":{"form":{}}}"#, 0..AT_ONCE)?;
    server.call::<()>(&cmd("FLUSHALL"))?;
    let waits = r#"{"properties":{"form":{"x-ttl":36000}}}"#;
    fill(&server, "waits", waits, 0..FEW)?;
    let few = idle(&server)?;
    let waiting = fill(&server, "waits", waits, FEW..MANY)?;
    println!("a state takes {plain:.0} bytes, one with a deadline {waiting:.0}");
    let many = idle(&server)?;
    let ratio = many / few;
    let is_flat = ratio <= IDLE_RATIO_MAX;
    println!(
        "an idle server: {few:.2} ms of CPU time a second with {FEW} deadlines, {many:.2} ms with {MANY}: {ratio:.2}, {} {IDLE_RATIO_MAX}",
        if is_flat { "under" } else { "MISSES" }
    );
    Ok(is_short && is_flat)
}

/// Median and maximum, in milliseconds.
fn how_late(server: &Server) -> Result<(f64, f64), String> {
    fill(server, "late", r#"{"properties":{"form":{"x-ttl":0.5}}}"#, 0..SINGLE)?;
    std::thread::sleep(Duration::from_secs(1));
    // The creation time, from the key's expiry, which a lapse does not move.
    let script = "local at=redis.call('PEXPIRETIME',KEYS[1])-36000000+500 \
                  local id=redis.call('XREVRANGE',KEYS[2],'+','-')[1][1] \
                  return tostring(tonumber(string.match(id,'%d+'))-at)";
    let mut late = Vec::new();
    for number in 0..SINGLE {
        let key = key("late", number);
        let stream = format!("{{{key}}}:audit");
        late.push(server.call::<f64>(cmd("EVAL").arg((script, 2, key, stream)))?);
    }
    late.sort_by(f64::total_cmp);
    Ok((late[SINGLE / 2], late[SINGLE - 1]))
}

/// The longest delay of another client while all of them lapse.
fn burst(server: &Server) -> Result<Duration, String> {
    fill(server, "burst", r#"{"properties":{"form":{"x-ttl":36000}}}"#, 0..AT_ONCE)?;
    // A copy keeps the deadlines of its source, so all are equal.
    let schema = r#"{"properties":{"form":{"x-ttl":8}}}"#;
    fill(server, "source", schema, 0..1)?;
    let copy =
        |number| cmd("COPY").arg((key("source", 0), key("burst", number), "REPLACE")).get_packed_command();
    server.fill((0..AT_ONCE).map(copy))?;
    let mut other = server.client()?;
    let (mut longest, begun) = (Duration::ZERO, Instant::now());
    while waiting(server)? > 0.0 {
        if begun.elapsed() > Duration::from_secs(60) {
            return Err("the states do not lapse".to_owned());
        }
        let until = Instant::now() + Duration::from_millis(200);
        while Instant::now() < until {
            longest = longest.max(ping(&mut other)?);
        }
    }
    server.call::<()>(&cmd("FLUSHALL"))?;
    Ok(longest)
}

fn waiting(server: &Server) -> Result<f64, String> {
    server.info("state")?.number("state_states_with_deadlines")
}

/// CPU milliseconds of a second, the median.
fn idle(server: &Server) -> Result<f64, String> {
    let mut measured = Vec::new();
    for _ in 0..IDLE_ROUNDS {
        let (begun, before) = (Instant::now(), server.cpu()?);
        std::thread::sleep(IDLE_STRETCH);
        let used = server.cpu()?.saturating_sub(before);
        measured.push(used.as_secs_f64() * 1000.0 / begun.elapsed().as_secs_f64());
    }
    measured.sort_by(f64::total_cmp);
    Ok(measured[IDLE_ROUNDS / 2])
}

/// Creates states; returns the bytes of each.
fn fill(server: &Server, family: &str, schema: &str, numbers: std::ops::Range<usize>) -> Result<f64, String> {
    server.call::<()>(cmd("STATE.SCHEMA").arg(("SET", family, schema)))?;
    let (count, before) = (numbers.len(), server.used_memory()?);
    let create = |number| {
        let words = (key(family, number), 0, r#"{"form":{"amount":12.50}}"#, "SCHEMA", family, "PX", TTL_MS);
        cmd("STATE.UPDATE").arg(words).get_packed_command()
    };
    server.fill(numbers.map(create))?;
    Ok((server.used_memory()? - before) / count as f64)
}

/// Names of one length in every family.
fn key(family: &str, number: usize) -> String {
    format!("channel:{family:.<8}:+2637{number:08}")
}
