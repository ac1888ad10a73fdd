//! What a run prints: a line for each user or key on stdout, and its progress on stderr, as a bar
//! on a terminal and else as a line for each percent.

use indicatif::{ProgressBar, ProgressStyle};
use redis_state_vimbiso::{Event, Import, Outcome, Progress};

pub(crate) struct Screen {
    bar: ProgressBar,
    percent: Option<u64>,
}

impl Screen {
    /// `scans` for a run with progress.
    pub(crate) fn new(scans: bool) -> Screen {
        let bar = if scans { ProgressBar::no_length() } else { ProgressBar::hidden() };
        let style = ProgressStyle::with_template("{wide_bar} {human_pos} of {human_len} keys, {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Screen { bar, percent: None }
    }

    pub(crate) fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Source(import) => self.import(import),
            Event::Scanned(progress) => self.progress(progress),
            _ => {}
        }
    }

    pub(crate) fn import(&self, import: &Import) {
        let line = visible(&line(import));
        // The bar is drawn again below the line.
        self.bar.suspend(|| println!("{line}"));
    }

    fn progress(&mut self, progress: Progress) {
        let Progress { scanned, keys, .. } = progress;
        let percent = scanned.saturating_mul(100).checked_div(keys);
        if self.bar.is_hidden() && percent > self.percent {
            eprintln!("{scanned} of {keys} keys");
            self.percent = percent;
        }
        self.bar.set_length(keys);
        self.bar.set_position(scanned);
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

fn line(Import { source, target, outcome }: &Import) -> String {
    match outcome {
        Outcome::Created(etag) => format!("created {source} at {target}: {etag}"),
        Outcome::WouldCreate => format!("would create {source} at {target}"),
        Outcome::AlreadyThere(etag) => format!("exists {source} at {target}: {etag}"),
        Outcome::Ended => format!("ended {source}: the state at {target} has expired or was deleted"),
        Outcome::Rejected(error) => format!("rejected {source}: {error}"),
        Outcome::NothingFound => format!("nothing found {source}"),
        _ => format!("{source}: {outcome:?}"),
    }
}

/// A key that SCAN has found may have control characters, which could garble the terminal.
fn visible(line: &str) -> String {
    let shown =
        |letter: char| if letter.is_control() { letter.escape_default().to_string() } else { letter.into() };
    line.chars().map(shown).collect()
}
