//! The most that came to nothing: what is said of it, and why it was not told.

use super::judge::Measured;
use super::otherwise::outside_words;
use super::settings::FailedConnectionsSettings;
use super::target::Target;
use super::targets::fared;
use crate::analytics::kit::picture::host_words;
use crate::context::{Context, Place};
use crate::model::finding::NearMiss;
use crate::model::{Provenance, Timestamp};
use std::net::IpAddr;

/// What is cited of it.
const CITED: usize = 4;

/// The most that came to nothing.
pub(super) struct Nearest {
    pub(super) internal: bool,
    pub(super) missing: u32,
    pub(super) needed: u32,
    /// How the source fared, before and behind whom.
    pub(super) fared: [&'static str; 2],
    pub(super) whom: &'static str,
    pub(super) time: Timestamp,
    pub(super) why: String,
    pub(super) references: Vec<Provenance>,
}

impl Nearest {
    /// Of what fails at a moment and was not told. `blind`: the answers may not be in the captures, so that
    /// nothing is said of the targets.
    pub(super) fn of(
        measured: &Measured,
        failing: &[(IpAddr, &Target)],
        (blind, why): (bool, String),
        settings: &FailedConnectionsSettings,
    ) -> Self {
        let unknown = blind || measured.listening < settings.warm_up;
        let cited = failing.iter().filter_map(|(_, target)| target.cited);
        Self {
            internal: measured.internal,
            missing: measured.missing,
            needed: match measured.internal {
                true => settings.min_targets,
                false => settings.outside_targets,
            },
            fared: match blind {
                true => ["had no visible answer from", ""],
                false => fared(failing.iter().map(|(_, target)| *target)),
            },
            whom: match measured.internal {
                true if unknown => "hosts",
                true => "missing hosts",
                false => outside_words(failing.iter().map(|(address, _)| address)),
            },
            time: measured.at,
            why,
            references: cited.take(CITED).collect(),
        }
    }

    /// As a near miss.
    pub(super) fn told(self, analytic: &'static str, place: Place, context: &Context) -> NearMiss {
        NearMiss {
            analytic,
            missing: self.needed.saturating_sub(self.missing).max(1),
            time: self.time,
            text: format!(
                "{} {} {} {}{}; {}",
                host_words(place, context),
                self.fared[0],
                self.missing,
                self.whom,
                self.fared[1],
                self.why
            ),
            references: self.references,
        }
    }
}
