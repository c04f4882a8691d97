//! Progress on standard error: one line, for people at a terminal, and nothing for anyone else.

use super::args::Global;
use casewire::evidence::{Progress, Silent};
use casewire::report::escape::vis;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;

/// What the user of this run wants to see.
pub fn shown(global: &Global) -> Box<dyn Progress> {
    if global.quiet || !std::io::stderr().is_terminal() {
        return Box::new(Silent);
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    // Both templates are constants that indicatif accepts; its plain bar serves as well.
    if let Ok(style) = ProgressStyle::with_template("{msg} {bytes} ({bytes_per_sec})") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    Box::new(Line { bar })
}

struct Line {
    bar: ProgressBar,
}

impl Progress for Line {
    fn total(&self, bytes: u64) {
        self.bar.set_length(bytes);
        if let Ok(style) =
            ProgressStyle::with_template("{msg} {bytes} of {total_bytes} ({bytes_per_sec})")
        {
            self.bar.set_style(style);
        }
    }

    fn bytes(&self, n: u64) {
        self.bar.inc(n);
    }

    fn phase(&self, name: &str) {
        self.bar.set_message(vis(name));
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
