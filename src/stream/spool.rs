//! Collecting events, in memory while they fit and in sorted runs on disk when they do not.

use super::merge::Merged;
use super::run::{Run, RunWriter, Store};
use crate::model::{Event, HostWhat, What};

/// Past this many runs on disk, groups of them are merged first: each that is read costs a buffer.
const FAN_IN: usize = 64;

/// The temporary folder could not be used.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// Creating, writing or reading a temporary file failed.
    #[error("temporary file for sorting: {0}; free some space or set TMPDIR to a larger disk")]
    Io(#[from] std::io::Error),
    /// A temporary file came back different from what was written.
    #[error("temporary file for sorting is damaged: {0}; check the disk and run again")]
    Damaged(#[from] postcard::Error),
}

/// Collects events of one source within a memory budget.
pub struct Spool {
    budget: usize,
    held: Vec<Event>,
    weight: usize,
    runs: Vec<Run>,
    store: Option<Store>,
}

impl Spool {
    /// A spool that holds about `budget` bytes in memory before it spills.
    pub fn new(budget: usize) -> Self {
        Self {
            budget: budget.max(1 << 16),
            held: Vec::new(),
            weight: 0,
            runs: Vec::new(),
            store: None,
        }
    }

    /// Adds an event.
    ///
    /// # Errors
    /// If the temporary folder cannot be written.
    pub fn push(&mut self, event: Event) -> Result<(), SpoolError> {
        self.weight += weight(&event);
        self.held.push(event);
        if self.weight > self.budget {
            self.spill()?;
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<(), SpoolError> {
        let store = match &self.store {
            Some(store) => store,
            None => self.store.insert(Store::create()?),
        };
        self.held.sort_by_key(Event::order);
        let mut writer = RunWriter::create(store)?;
        for event in self.held.drain(..) {
            writer.write(&event)?;
        }
        self.runs.push(writer.finish()?);
        self.weight = 0;
        Ok(())
    }

    /// Ends the collecting. What lies on disk in part goes there whole: the last events of the
    /// evidence would else be held until the end of the replay, which needs the room.
    ///
    /// # Errors
    /// If the temporary folder cannot be written.
    pub fn finish(mut self) -> Result<Spooled, SpoolError> {
        if !self.runs.is_empty() && !self.held.is_empty() {
            self.spill()?;
        }
        self.held.sort_by_key(Event::order);
        // A row that went to disk leaves no room behind.
        self.held.shrink_to_fit();
        Ok(Spooled {
            held: vec![self.held],
            runs: self.runs,
        })
    }
}

/// Merges runs until at most [`FAN_IN`] are left.
fn gather(runs: &mut Vec<Run>) -> Result<(), SpoolError> {
    while runs.len() > FAN_IN {
        let store = Store::create()?;
        let mut gathered = Vec::with_capacity(runs.len().div_ceil(FAN_IN));
        for group in runs.chunks(FAN_IN) {
            let mut writer = RunWriter::create(&store)?;
            for event in Merged::over(Vec::new(), group.to_vec())? {
                writer.write(&event?)?;
            }
            gathered.push(writer.finish()?);
        }
        *runs = gathered;
    }
    Ok(())
}

/// What spools have collected.
#[derive(Default)]
pub struct Spooled {
    held: Vec<Vec<Event>>,
    runs: Vec<Run>,
}

impl Spooled {
    /// Takes over what another source has collected.
    pub fn join(&mut self, other: Self) {
        self.held.extend(other.held);
        self.runs.extend(other.runs);
    }

    /// One stream in time order.
    ///
    /// `correct` gives each event its time on the reference clock; it sees every event once. Runs
    /// are sorted again after it, because an offset that steps can change the order inside a run.
    ///
    /// # Errors
    /// If the temporary folder cannot be used.
    pub fn into_stream(
        mut self,
        correct: Option<&dyn Fn(&mut Event)>,
    ) -> Result<Merged, SpoolError> {
        if let Some(correct) = correct {
            for held in &mut self.held {
                held.iter_mut().for_each(correct);
                held.sort_by_key(Event::order);
            }
            let store = match self.runs.is_empty() {
                true => None,
                false => Some(Store::create()?),
            };
            for (run, store) in self.runs.iter_mut().zip(store.iter().cycle()) {
                // One run fits the budget it was spilled under, so loading it whole is bounded.
                let mut events = run.reader().collect::<Result<Vec<_>, _>>()?;
                events.iter_mut().for_each(correct);
                events.sort_by_key(Event::order);
                let mut writer = RunWriter::create(store)?;
                for event in &events {
                    writer.write(event)?;
                }
                *run = writer.finish()?;
            }
        }
        gather(&mut self.runs)?;
        Merged::over(self.held, self.runs)
    }
}

/// About how many bytes an event holds, with what hangs on it.
fn weight(event: &Event) -> usize {
    const EVENT: usize = std::mem::size_of::<Event>() + 16;
    EVENT
        + match &event.what {
            What::Attempt(attempt) => {
                let payload = attempt.payload.as_ref().map_or(0, |payload| {
                    let name = payload.name.as_ref().map_or(0, |name| name.text.len() + 32);
                    std::mem::size_of::<crate::model::payload::Payload>() + 16 + name
                });
                std::mem::size_of::<crate::model::Attempt>() + 16 + payload
            }
            What::Neighbour(neighbour) => {
                std::mem::size_of::<crate::model::neighbour::Neighbour>()
                    + neighbour.name.as_ref().map_or(0, |name| name.len() + 16)
            }
            What::Solicitation(_) => 160,
            What::Resolution(told) => {
                let aliases: usize = told.aliases.iter().map(|alias| alias.len() + 48).sum();
                192 + told.name.len() + told.addresses.len() * 24 + aliases
            }
            What::Wake(wake) => 160 + wake.copy_packets.len() * 32,
            What::Host(host) => {
                std::mem::size_of::<crate::model::HostEvent>()
                    + 16
                    + match &host.what {
                        HostWhat::ProcessStarted {
                            command_line,
                            parent_command_line,
                            file,
                            ..
                        } => {
                            let file = file.as_ref().map_or(0, |file| {
                                48 + file.original_name.len() + file.hashes.len()
                            });
                            command_line.len() + parent_command_line.len() + 256 + file
                        }
                        HostWhat::Script { text, .. } => text.len(),
                        HostWhat::FirewallRule { .. } | HostWhat::FilterChanged { .. } => 512,
                        _ => 64,
                    }
            }
        }
}
