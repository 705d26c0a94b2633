//! Progress on standard error: a bar on a terminal, a line every few seconds elsewhere; and Ctrl-C.

use std::{
    io::IsTerminal,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tamis_pipeline::progress::{Phase, Progress, Status};

use crate::screen::{Screen, bytes, count};

/// Set by Ctrl-C.
static STOP: AtomicBool = AtomicBool::new(false);

/// How often a line is printed where there is no terminal.
const EVERY: Duration = Duration::from_secs(5);

extern "C" fn on_interrupt(_: libc::c_int) {
    // A second Ctrl-C ends the program at once: nothing that is committed is lost by that.
    if STOP.swap(true, Ordering::SeqCst) {
        // SAFETY: _exit is async-signal-safe.
        unsafe { libc::_exit(i32::from(crate::failure::STOPPED)) }
    }
}

/// Lets Ctrl-C and SIGTERM stop the run between two steps.
pub fn stop_on_interrupt() {
    for signal in [libc::SIGINT, libc::SIGTERM] {
        // SAFETY: the handler only touches an atomic and calls _exit.
        unsafe { libc::signal(signal, on_interrupt as *const () as libc::sighandler_t) };
    }
}

/// Whether Ctrl-C was pressed.
pub fn stopped() -> bool {
    STOP.load(Ordering::SeqCst)
}

/// Shows a run.
pub struct Shown {
    bar: Option<ProgressBar>,
    lines: bool,
    started: Instant,
    reading_since: Option<Instant>,
    last_line: Instant,
}

impl Shown {
    /// As the screen wants it.
    pub fn new(screen: &Screen) -> Shown {
        let terminal = std::io::stderr().is_terminal();
        let bar = (terminal && !screen.quiet).then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(8));
            let style = ProgressStyle::with_template("{prefix} {bar:30} {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            bar.set_style(style.progress_chars("━╸─"));
            bar
        });
        let now = Instant::now();
        Shown { bar, lines: !terminal && !screen.quiet, started: now, reading_since: None, last_line: now }
    }

    /// Takes the bar away; seconds since the start.
    pub fn finish(&self) -> f64 {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.started.elapsed().as_secs_f64()
    }
}

impl Progress for Shown {
    fn update(&mut self, status: &Status) {
        let reading = status.phase == Phase::Reading;
        // Noted whether it is shown or not: the rate is that of all reading so far.
        let since = if reading { *self.reading_since.get_or_insert_with(Instant::now) } else { self.started };
        if self.bar.is_none() && (!self.lines || self.last_line.elapsed() < EVERY) {
            return;
        }
        let message = words(status, since.elapsed());
        if let Some(bar) = &self.bar {
            bar.set_prefix(phase(status.phase));
            bar.set_length(status.bytes.1.max(1));
            // Never shown as full while work remains.
            let share =
                if reading { status.bytes.0.min(status.bytes.1.saturating_sub(1)) } else { status.bytes.0 };
            bar.set_position(share);
            bar.set_message(message);
        } else {
            self.last_line = Instant::now();
            eprintln!("{}: {message}", phase(status.phase));
        }
    }

    fn stop(&self) -> bool {
        stopped()
    }
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Inventory => "listing",
        Phase::Reading => "reading",
        Phase::Indexing => "indexing",
        Phase::Deriving => "threading",
        Phase::Examining => "examining",
    }
}

/// Share, rate, time left, losses.
fn words(status: &Status, elapsed: Duration) -> String {
    if status.phase != Phase::Reading {
        return format!("{} items", count(status.items));
    }
    let (done, all) = status.bytes;
    let seconds = elapsed.as_secs_f64().max(0.001);
    let rate = done as f64 / seconds;
    let percent = (done.saturating_mul(100) / all.max(1)).min(99);
    let left = if rate > 0.0 && seconds > 1.0 {
        format!(", {} left", span(all.saturating_sub(done) as f64 / rate))
    } else {
        String::new()
    };
    let lost = if status.lost > 0 { format!(", {} lost", count(status.lost)) } else { String::new() };
    format!(
        "{percent} %, {} of {}, {} items, {}/s{left}{lost}",
        bytes(done),
        bytes(all),
        count(status.items),
        bytes(rate as u64)
    )
}

fn span(seconds: f64) -> String {
    match seconds.ceil() as u64 {
        s if s < 90 => format!("{s} s"),
        s if s < 5400 => format!("{} min", s.div_ceil(60)),
        s => format!("{} h {} min", s / 3600, s % 3600 / 60),
    }
}
