//! What goes on, for a person who waits: nothing for the first moments, then one line on standard error that goes away.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::console::Console;

/// Nothing is shown before this much time has passed.
const PATIENCE: Duration = Duration::from_millis(600);

/// The stages of a run, timed, and shown when they take long.
#[derive(Debug)]
pub(super) struct Progress {
    stages: Vec<(&'static str, Instant)>,
    shown: Option<(Sender<&'static str>, JoinHandle<()>)>,
    verbose: bool,
}

impl Progress {
    /// Starts the clock.
    pub(super) fn new(console: Console) -> Self {
        let shown = console.shows_progress().then(|| {
            let (sender, receiver) = mpsc::channel();
            let start = Instant::now();
            let thread = std::thread::spawn(move || show(&receiver, start));
            (sender, thread)
        });
        Self {
            stages: Vec::new(),
            shown,
            verbose: console.verbose,
        }
    }

    /// The next stage begins.
    pub(super) fn stage(&mut self, name: &'static str) {
        self.stages.push((name, Instant::now()));
        if let Some((sender, _)) = &self.shown {
            let _ = sender.send(name);
        }
    }

    /// Everything is done: the line goes away, and with `-v` the times of the stages stay.
    pub(super) fn finish(mut self, console: Console) {
        let end = Instant::now();
        self.clear();
        if !self.verbose {
            return;
        }
        let ends = self.stages.iter().skip(1).map(|(_, start)| *start);
        let times: Vec<String> = self
            .stages
            .iter()
            .zip(ends.chain(std::iter::once(end)))
            .map(|((name, start), end)| {
                format!("{name} {:.1} ms", (end - *start).as_secs_f64() * 1e3)
            })
            .collect();
        console.note(&format!("time: {}", times.join(" · ")));
    }

    fn clear(&mut self) {
        if let Some((sender, thread)) = self.shown.take() {
            drop(sender);
            let _ = thread.join();
        }
    }
}

/// A run that fails takes its progress line with it.
impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

fn show(stages: &mpsc::Receiver<&'static str>, start: Instant) {
    let mut bar: Option<ProgressBar> = None;
    let mut stage = "";
    loop {
        let wait = if bar.is_some() {
            Duration::from_millis(100)
        } else {
            PATIENCE.saturating_sub(start.elapsed())
        };
        match stages.recv_timeout(wait) {
            Ok(next) => {
                stage = next;
                if let Some(bar) = &bar {
                    bar.set_message(stage);
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                let bar = bar.get_or_insert_with(spinner);
                bar.set_message(stage);
                bar.tick();
            }
            Err(RecvTimeoutError::Disconnected) => {
                if let Some(bar) = bar {
                    bar.finish_and_clear();
                }
                return;
            }
        }
    }
}

fn spinner() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
        bar.set_style(style);
    }
    bar
}
