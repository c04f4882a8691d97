//! Ctrl-C, and a polite request to end, while a case is being written: nothing half is left behind.

use anyhow::Context;
use std::path::Path;
use std::time::Duration;

/// What the shell expects of a program that was interrupted.
const INTERRUPTED: i32 = 130;

/// From now on an interruption removes `draft` and ends the run with code 130. A draft that was
/// finished has another name by then, and is left alone.
pub fn removes(draft: &Path) -> anyhow::Result<()> {
    let draft = draft.to_owned();
    ctrlc::set_handler(move || {
        // The run may still be making files in it, so one attempt may not be enough.
        for _ in 0..50 {
            if std::fs::remove_dir_all(&draft).is_ok() || !draft.exists() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        std::process::exit(INTERRUPTED);
    })
    .context("cannot listen for interruptions; run without -o")
}
