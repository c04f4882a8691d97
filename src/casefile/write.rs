//! Writing a case: the timeline while events pass, the rest at the end.

use super::folder::{NewFile, NewFolder};
use super::place::Bounds;
use super::run::{Output, Run};
use super::{Error, REPORT, RUN, TIMELINE};
use crate::model::{Event, Labels};
use crate::report::json;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A case that is being written.
#[derive(Debug)]
pub struct Draft {
    folder: NewFolder,
    timeline: NewFile,
}

impl Draft {
    /// Begins a case in the folder `target`; see `NewFolder::begin_after`.
    ///
    /// # Errors
    /// As `NewFolder::begin`.
    pub fn begin(
        target: &Path,
        bounds: &Bounds,
        before: &mut dyn FnMut(&Path),
    ) -> Result<Self, Error> {
        let folder = NewFolder::begin_after(target, bounds, before)?;
        let timeline = folder.file(TIMELINE)?;
        Ok(Self { folder, timeline })
    }

    /// Adds an event to the timeline.
    ///
    /// # Errors
    /// If the disk is full.
    pub fn event(&mut self, event: &Event, labels: &Labels) -> io::Result<()> {
        let line = json::event_line(event, labels).map_err(io::Error::other)?;
        self.timeline.write_all(line.as_bytes())?;
        self.timeline.write_all(b"\n")
    }

    /// Writes report and run, whose `outputs` are filled in here, and gives the folder its name.
    /// Returns the SHA-256 of `SHA256SUMS`.
    ///
    /// # Errors
    /// If the disk is full or the name was taken meanwhile; then nothing is left behind.
    pub fn finish(self, report: &[u8], mut run: Run) -> Result<String, Error> {
        let Self {
            mut folder,
            timeline,
        } = self;
        for (name, (sha256, size)) in [
            (REPORT, folder.put(REPORT, report)?),
            (TIMELINE, folder.close(timeline)?),
        ] {
            run.outputs.push(Output {
                name: name.to_owned(),
                sha256,
                size,
            });
        }
        run.replaced = folder.replaces().map(str::to_owned);
        let run = json::pretty(&run).map_err(|e| Error::System {
            path: PathBuf::from(RUN),
            source: io::Error::other(e),
        })?;
        folder.put(RUN, &run)?;
        folder.finish()
    }
}
